<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use Psr\Http\Message\StreamInterface;

/**
 * What a browser asked of a page of the portal, without anything that is between it and this site.
 */
final readonly class PortalRequest
{
    /** What of a browser's headers concerns the portal; never its cookies. */
    private const ASKED = [
        'Accept', 'Accept-Language', 'Range', 'If-Range', 'If-None-Match', 'If-Modified-Since',
    ];

    /**
     * @param string $path below the Mandant, encoded, without slashes around it
     * @param string $query encoded, without `?`
     * @param string $baseUrl the page that links must lead to
     * @param array<string, string> $headers
     */
    public function __construct(
        public string $method,
        public string $path,
        public string $query,
        public string $baseUrl,
        public array $headers = [],
        public ?StreamInterface $body = null,
        public string $requestId = '',
    ) {}

    /**
     * @param callable(string): string $header a header of the browser's request; empty when there is none
     * @return array<string, string>
     */
    public static function concerning(callable $header): array
    {
        $found = [];
        foreach (self::ASKED as $name) {
            $value = $header($name);
            if ($value !== '') {
                $found[$name] = $value;
            }
        }

        return $found;
    }
}
