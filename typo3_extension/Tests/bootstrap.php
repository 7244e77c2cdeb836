<?php

declare(strict_types=1);

use Mieterportal\Typo3\Tests\Support\Typo3Version;

/**
 * The unit tests need neither Composer nor TYPO3: only the classes of this extension, and Guzzle where PHP finds it.
 */
if (stream_resolve_include_path('GuzzleHttp/autoload.php') !== false) {
    require_once 'GuzzleHttp/autoload.php';
}

spl_autoload_register(static function (string $class): void {
    foreach (['Mieterportal\\Typo3\\Tests\\' => __DIR__ . '/', 'Mieterportal\\Typo3\\' => __DIR__ . '/../Classes/'] as $prefix => $folder) {
        $file = $folder . str_replace('\\', '/', substr($class, strlen($prefix))) . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
            return;
        }
    }
});

class_alias(Typo3Version::class, 'TYPO3\\CMS\\Core\\Information\\Typo3Version');
