<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Session\KeySource;
use Mieterportal\Typo3\Settings\Origin;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * Gathers what TYPO3 itself knows of a site and its portal.
 */
final readonly class SiteFactsCollector
{
    private const KEY_PROBLEMS = [
        1764140001 => 'missing',
        1764140002 => 'many',
        1764140003 => 'short',
        1764140004 => 'missing',
        1764140005 => 'unreadable',
    ];

    public function __construct(
        private PortalSettingsFactory $settings,
        private PortalPages $pages,
    ) {}

    /**
     * @param string $backendOrigin scheme, host and port of this back end
     */
    public function of(Site $site, string $backendOrigin): SiteFacts
    {
        $settings = null;
        $problem = '';
        try {
            $settings = $this->settings->forSite($site);
        } catch (SettingsIncomplete $incomplete) {
            // the message begins with the setting's name; the rest is English and for the log
            $problem = explode(':', $incomplete->getMessage(), 2)[0];
        }
        [$keys, $keyProblem] = $this->keys($settings);
        $page = $this->pages->ofPortal($site);

        return new SiteFacts(
            settings: $settings,
            settingsProblem: $problem,
            keys: $keys,
            keyProblem: $keyProblem,
            keyVariable: $settings === null ? '' : KeySource::variable($settings->connection),
            origins: self::origins($site, $backendOrigin),
            backendOrigin: $backendOrigin,
            pageUrl: $page === null ? '' : self::absolute((string)$site->getRouter()->generateUri($page['uid']), $backendOrigin),
            pageTitle: $page['title'] ?? '',
            login: $settings === null ? 'none' : $this->pages->login($site, $settings->loginPage),
        );
    }

    /**
     * @return array{?KeyRing, string}
     */
    private function keys(?PortalSettings $settings): array
    {
        if ($settings === null) {
            return [null, ''];
        }
        try {
            return [KeySource::ofTypo3()->forConnection($settings->connection), ''];
        } catch (KeyMissing $missing) {
            return [null, self::KEY_PROBLEMS[$missing->getCode()] ?? 'missing'];
        }
    }

    /**
     * @return list<string>
     */
    private static function origins(Site $site, string $backendOrigin): array
    {
        $found = [];
        foreach ($site->getLanguages() as $language) {
            $found[] = Origin::of(self::absolute((string)$language->getBase(), $backendOrigin));
        }

        return array_values(array_unique(array_filter($found)));
    }

    /**
     * A site may have a base without host, such as `/`: it is then where the back end is.
     */
    private static function absolute(string $url, string $backendOrigin): string
    {
        return match (true) {
            str_starts_with($url, '//') => strtok($backendOrigin, ':') . ':' . $url,
            str_starts_with($url, '/') => $backendOrigin . $url,
            default => $url,
        };
    }
}
