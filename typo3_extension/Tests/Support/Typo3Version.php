<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Support;

/**
 * Which TYPO3 is there, for configuration that asks and tests without TYPO3.
 */
final class Typo3Version
{
    public static int $major = 14;

    public function getMajorVersion(): int
    {
        return self::$major;
    }
}
