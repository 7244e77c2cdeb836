<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Support;

use Mieterportal\Typo3\Admin\Answer;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Setup\SiteFacts;

/**
 * A site and a portal that fit each other; tests change what is to go wrong.
 */
final class Samples
{
    public const KEY = 'a-key-of-the-tests-with-32-bytes!';
    public const PREVIOUS = 'the-key-before-it-with-32-bytes!!';
    public const URL = 'https://portal.example.de/musterbau';
    public const NOW = 1_790_000_000;

    public static function settings(): PortalSettings
    {
        return new PortalSettings(url: self::URL, connection: 'website', loginPage: 11);
    }

    /**
     * @param array<string, mixed> $changes
     */
    public static function facts(array $changes = []): SiteFacts
    {
        return new SiteFacts(...($changes + [
            'settings' => self::settings(),
            'keys' => new KeyRing([self::KEY]),
            'keyVariable' => 'MIETERPORTAL_KEY_WEBSITE',
            'origins' => ['https://www.example.de'],
            'backendOrigin' => 'https://www.example.de',
            'pageUrl' => 'https://www.example.de/mieterportal',
            'pageTitle' => 'Mieterportal',
            'login' => 'good',
        ]));
    }

    /**
     * @param array<string, string> $changes
     */
    public static function door(array $changes = [], int $status = 200): Answer
    {
        return new Answer($status, $changes + [
            'content-type' => 'text/html',
            'x-request-id' => 'r1',
            'portal-address' => self::URL,
            'date' => gmdate('D, d M Y H:i:s', self::NOW) . ' GMT',
            'content-security-policy' => "default-src 'none'; frame-ancestors https://www.example.de",
        ]);
    }

    /**
     * @param array<string, mixed> $said
     */
    public static function json(array $said, int $status = 200): Answer
    {
        $type = $status < 300 ? 'application/json' : 'application/problem+json';

        return new Answer($status, ['content-type' => $type], json_encode($said, JSON_THROW_ON_ERROR));
    }

    public static function version(): Answer
    {
        return self::json(['version' => '0.1.0', 'connection' => ['kind' => 'typo3'], 'immotion' => true]);
    }

    public static function page(string $policy = '', string $cache = 'private, no-store'): Answer
    {
        return new Answer(200, array_filter(['content-security-policy' => $policy, 'cache-control' => $cache]), '<html>');
    }
}
