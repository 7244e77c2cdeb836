<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

/**
 * Reads a Content-Security-Policy as a browser does, as far as origins go.
 */
final readonly class ContentSecurity
{
    /** What a fragment loads from the portal, and what an iframe of it needs. */
    private const NEEDED = ['style-src-elem', 'script-src-elem', 'img-src', 'frame-src'];
    private const FALLBACK = [
        'style-src-elem' => ['style-src', 'default-src'],
        'script-src-elem' => ['script-src', 'default-src'],
        'img-src' => ['default-src'],
        'frame-src' => ['child-src', 'default-src'],
    ];

    /**
     * @return list<string> the directives of a policy that keep out what the portal needs
     */
    public static function blocking(string $policy, string $origin): array
    {
        $directives = self::directives($policy);
        $blocked = [];
        foreach (self::NEEDED as $needed) {
            foreach ([$needed, ...self::FALLBACK[$needed]] as $name) {
                if (isset($directives[$name])) {
                    if (!self::allows($directives[$name], $origin)) {
                        $blocked[] = $needed;
                    }
                    break;
                }
            }
        }

        return $blocked;
    }

    /**
     * @return list<string> the sources of a directive of a policy; empty when it has none
     */
    public static function sources(string $policy, string $directive): array
    {
        return self::directives($policy)[$directive] ?? [];
    }

    /**
     * @return array<string, list<string>>
     */
    private static function directives(string $policy): array
    {
        $found = [];
        foreach (explode(';', $policy) as $part) {
            $words = preg_split('/\s+/', trim($part), -1, PREG_SPLIT_NO_EMPTY) ?: [];
            $name = strtolower((string)array_shift($words));
            if ($name !== '' && !isset($found[$name])) {
                $found[$name] = $words;
            }
        }

        return $found;
    }

    /**
     * @param list<string> $sources
     */
    private static function allows(array $sources, string $origin): bool
    {
        $scheme = strtok($origin, ':') . ':';
        $host = substr($origin, strlen($scheme) + 2);
        foreach ($sources as $source) {
            $source = strtolower(rtrim($source, '/'));
            if (in_array($source, ['*', $scheme, $origin, $host], true)) {
                return true;
            }
            $wanted = preg_replace('#^https?://#', '', $source) ?? '';
            if (str_starts_with($wanted, '*.') && str_ends_with($host, substr($wanted, 1))) {
                return true;
            }
        }

        return false;
    }
}
