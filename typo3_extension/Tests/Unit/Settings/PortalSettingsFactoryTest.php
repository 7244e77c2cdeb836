<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Unit\Settings;

use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use PHPUnit\Framework\TestCase;

final class PortalSettingsFactoryTest extends TestCase
{
    private const COMPLETE = ['portalUrl' => 'https://Portal.example.de/musterbau/', 'connection' => 'website'];

    /**
     * @param array<string, mixed> $values
     */
    private static function settings(array $values): PortalSettings
    {
        return PortalSettingsFactory::fromValues(static fn(string $name): mixed => $values[$name] ?? null);
    }

    public function testTwoSettingsAreEnough(): void
    {
        $settings = self::settings(self::COMPLETE);
        self::assertSame('https://Portal.example.de/musterbau', $settings->url);
        self::assertSame('https://portal.example.de', $settings->origin());
        self::assertSame('https://Portal.example.de/musterbau/sso/website', $settings->signOnUrl());
        self::assertSame($settings->url, $settings->reachedAt());
        self::assertSame(5.0, $settings->timeout);
        self::assertTrue($settings->ownBreadcrumb);
    }

    public function testAnInternalAddressIsWhereTheServerAsks(): void
    {
        $settings = self::settings(self::COMPLETE + ['internalUrl' => 'http://10.0.0.5:8000/musterbau']);
        self::assertSame('http://10.0.0.5:8000/musterbau', $settings->reachedAt());
    }

    public function testGroupsComeAsAListOrAsAText(): void
    {
        $settings = self::settings(self::COMPLETE + ['tenantGroups' => ['1', 2], 'ownerGroups' => '3, 4,x']);
        self::assertSame([[1, 2], [3, 4]], [$settings->tenantGroups, $settings->ownerGroups]);
    }

    /**
     * @dataProvider unusable
     * @param array<string, mixed> $values
     */
    public function testAnUnusableSettingIsNamed(array $values, string $named): void
    {
        $this->expectException(SettingsIncomplete::class);
        $this->expectExceptionMessage($named);
        self::settings($values);
    }

    /**
     * @return array<string, array{array<string, mixed>, string}>
     */
    public static function unusable(): array
    {
        return [
            'nothing' => [[], 'mieterportal.portalUrl'],
            'no scheme' => [['portalUrl' => 'portal.example.de/musterbau'] + self::COMPLETE, 'mieterportal.portalUrl'],
            'a password in it' => [['portalUrl' => 'https://a:b@portal.example.de/m'] + self::COMPLETE, 'mieterportal.portalUrl'],
            'a query' => [['portalUrl' => 'https://portal.example.de/m?x=1'] + self::COMPLETE, 'mieterportal.portalUrl'],
            'no connection' => [['connection' => ' '] + self::COMPLETE, 'mieterportal.connection'],
            'a strange connection' => [['connection' => 'a:b'] + self::COMPLETE, 'mieterportal.connection'],
            'internal address' => [['internalUrl' => 'ftp://x'] + self::COMPLETE, 'mieterportal.internalUrl'],
        ];
    }
}
