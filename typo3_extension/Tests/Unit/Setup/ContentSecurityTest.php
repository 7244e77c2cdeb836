<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Setup;

use Mieterportal\Typo3\Setup\ContentSecurity;
use PHPUnit\Framework\TestCase;

final class ContentSecurityTest extends TestCase
{
    private const PORTAL = 'https://portal.example.de:8443';

    public function testWhatAPolicySaysNothingOfIsOpen(): void
    {
        self::assertSame([], ContentSecurity::blocking('', self::PORTAL));
        self::assertSame([], ContentSecurity::blocking("frame-ancestors 'self'; form-action 'self'", self::PORTAL));
    }

    public function testADirectiveFallsBackAsBrowsersDo(): void
    {
        self::assertSame(
            ['style-src-elem'],
            ContentSecurity::blocking("default-src * ; style-src 'self'", self::PORTAL),
        );
        self::assertSame([], ContentSecurity::blocking("default-src 'none'; style-src *; script-src https:; img-src *; child-src *", self::PORTAL));
        self::assertSame(
            ['style-src-elem', 'script-src-elem', 'img-src', 'frame-src'],
            ContentSecurity::blocking("default-src 'none'", self::PORTAL),
        );
    }

    public function testHostSchemeAndWildcardLetThePortalIn(): void
    {
        foreach ([self::PORTAL, 'portal.example.de:8443', 'https:', '*.example.de:8443', 'HTTPS://PORTAL.example.de:8443/'] as $source) {
            self::assertSame([], ContentSecurity::blocking('default-src ' . $source, self::PORTAL), $source);
        }
        foreach (['https://portal.example.de', 'http:', '*.other.de', "'self'", 'https://evilportal.example.de:8443'] as $source) {
            self::assertNotSame([], ContentSecurity::blocking('default-src ' . $source, self::PORTAL), $source);
        }
    }
}
