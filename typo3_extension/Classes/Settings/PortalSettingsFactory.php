<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Settings;

use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Site\Entity\SiteInterface;

/**
 * Reads what a site says of its portal from the site's settings (site set `mieterportal/mieterportal`).
 */
final readonly class PortalSettingsFactory
{
    /**
     * @throws SettingsIncomplete with the names of the settings that are missing or unusable
     */
    public function forSite(SiteInterface $site): PortalSettings
    {
        if (!$site instanceof Site) {
            throw new SettingsIncomplete('This page belongs to no site', 1764140011);
        }
        $said = $site->getSettings();

        return self::fromValues(static fn(string $name): mixed => $said->get(PortalSettings::PREFIX . $name));
    }

    public function emergency(SiteInterface $site): Emergency
    {
        $said = $site instanceof Site ? $site->getSettings() : null;

        return new Emergency(
            self::text($said?->get(PortalSettings::PREFIX . 'emergencyPhone')),
            self::text($said?->get(PortalSettings::PREFIX . 'emergencyText')),
        );
    }

    /**
     * @param callable(string): mixed $value a setting by its name without prefix; null when it is not set
     */
    public static function fromValues(callable $value): PortalSettings
    {
        $url = self::address($value('portalUrl'), 'portalUrl');
        $connection = self::text($value('connection'));
        if (preg_match('/^[A-Za-z0-9_-]+$/', $connection) !== 1) {
            throw new SettingsIncomplete(PortalSettings::PREFIX . 'connection: the name of the connection is missing', 1764140012);
        }
        $internal = self::text($value('internalUrl'));

        return new PortalSettings(
            url: $url,
            connection: $connection,
            internalUrl: $internal === '' ? '' : self::address($internal, 'internalUrl'),
            timeout: max(0.5, min(30.0, (float)self::text($value('timeout') ?? 5))),
            loginPage: (int)self::text($value('loginPage')),
            tenantGroups: self::numbers($value('tenantGroups')),
            ownerGroups: self::numbers($value('ownerGroups')),
            personField: self::text($value('personField')),
            ownBreadcrumb: (bool)($value('ownBreadcrumb') ?? true),
        );
    }

    private static function address(mixed $value, string $name): string
    {
        $address = rtrim(self::text($value), '/');
        $parts = parse_url($address) ?: [];
        $usable = in_array($parts['scheme'] ?? '', ['http', 'https'], true) && ($parts['host'] ?? '') !== ''
            && !isset($parts['user']) && !isset($parts['query']) && !isset($parts['fragment']);
        if (!$usable) {
            throw new SettingsIncomplete(
                PortalSettings::PREFIX . $name . ': an address like https://portal.example.de/musterbau is needed',
                1764140013,
            );
        }

        return $address;
    }

    private static function text(mixed $value): string
    {
        return is_scalar($value) ? trim((string)$value) : '';
    }

    /**
     * @return list<int>
     */
    private static function numbers(mixed $value): array
    {
        $given = is_array($value) ? $value : explode(',', self::text($value));
        $numbers = array_map(static fn(mixed $one): int => (int)self::text($one), array_values($given));

        return array_values(array_filter($numbers, static fn(int $one): bool => $one > 0));
    }
}
