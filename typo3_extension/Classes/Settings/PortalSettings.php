<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Settings;

/**
 * What a site says of its portal; no secret is in it.
 */
final readonly class PortalSettings
{
    public const PREFIX = 'mieterportal.';

    /**
     * @param string $url the portal's public address of this Mandant, such as https://portal.example.de/musterbau
     * @param string $connection the name of this site's connection at the portal
     * @param string $internalUrl where the server reaches the portal, if not by its public address
     * @param float $timeout seconds to wait for the portal
     * @param int $loginPage uid of the page with the login form; 0 for none
     * @param list<int> $tenantGroups uids of the user groups of tenants (`mieter`)
     * @param list<int> $ownerGroups uids of the user groups of owners (`eigentuemer`)
     * @param string $personField column of fe_users with the Personennummer; empty for none
     * @param bool $ownBreadcrumb whether the content element shows where in the portal somebody is
     */
    public function __construct(
        public string $url,
        public string $connection,
        public string $internalUrl = '',
        public float $timeout = 5.0,
        public int $loginPage = 0,
        public array $tenantGroups = [],
        public array $ownerGroups = [],
        public string $personField = '',
        public bool $ownBreadcrumb = true,
    ) {}

    /**
     * Where requests go from server to server.
     */
    public function reachedAt(): string
    {
        return $this->internalUrl === '' ? $this->url : $this->internalUrl;
    }

    /**
     * Of the public address.
     */
    public function origin(): string
    {
        return Origin::of($this->url);
    }

    /**
     * @param string $target a place at the portal to begin at, such as `melden/schaden`; empty for its first page
     */
    public function signOnUrl(string $target = ''): string
    {
        return $this->url . $this->signOnPath() . ($target === '' ? '' : '?' . http_build_query(['ziel' => $target]));
    }

    /**
     * The connection's door, below the portal's address.
     */
    public function signOnPath(): string
    {
        return '/sso/' . rawurlencode($this->connection);
    }
}
