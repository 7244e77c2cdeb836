<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Settings;

/**
 * Where an address belongs to, as browsers write it: scheme, host, and the port unless it is the scheme's own.
 */
final readonly class Origin
{
    private const OWN_PORTS = ['http' => 80, 'https' => 443];

    /**
     * @return string empty for an address without scheme or host
     */
    public static function of(string $url): string
    {
        $parts = parse_url($url) ?: [];
        if (!isset($parts['scheme'], $parts['host'])) {
            return '';
        }
        $scheme = strtolower($parts['scheme']);
        $isOwn = !isset($parts['port']) || $parts['port'] === (self::OWN_PORTS[$scheme] ?? null);

        return $scheme . '://' . strtolower($parts['host']) . ($isOwn ? '' : ':' . $parts['port']);
    }
}
