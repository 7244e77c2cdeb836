<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

use Mieterportal\Typo3\Portal\PortalClientFactory;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Session\KeySource;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use TYPO3\CMS\Core\Authentication\BackendUserAuthentication;
use TYPO3\CMS\Core\Site\Entity\SiteInterface;

/**
 * Makes the client by which a person in the back end asks a site's portal.
 */
final readonly class AdminClientFactory
{
    public function __construct(
        private Http $http,
        private PortalSettingsFactory $settings,
        private PortalClientFactory $portal,
    ) {}

    /**
     * @throws NoAnswer when the site's settings or its key are missing
     */
    public function forSite(SiteInterface $site, BackendUserAuthentication $user): AdminClient
    {
        $settings = $this->settings($site);

        return new AdminClient($this->http, $settings, $this->signer($settings), self::asking($user));
    }

    /**
     * @throws NoAnswer
     */
    public function settings(SiteInterface $site): PortalSettings
    {
        try {
            return $this->settings->forSite($site);
        } catch (SettingsIncomplete) {
            throw new NoAnswer(Trouble::Settings, $site->getIdentifier());
        }
    }

    /**
     * @throws NoAnswer
     */
    public function signer(PortalSettings $settings): SessionSigner
    {
        try {
            return $this->portal->signer($settings);
        } catch (KeyMissing) {
            throw new NoAnswer(Trouble::Key, KeySource::variable($settings->connection));
        }
    }

    /**
     * The portal is told a number and a hash, not the person's name.
     */
    public static function asking(BackendUserAuthentication $user): Claims
    {
        $session = hash('sha256', 'mieterportal.be.' . $user->getSession()->getIdentifier());

        return new Claims('be_users:' . (int)($user->user['uid'] ?? 0), $session);
    }

    /**
     * In which of the portal's two languages for whoever looks after it this person reads.
     */
    public static function language(BackendUserAuthentication $user): string
    {
        return ($user->user['lang'] ?? '') === 'de' ? 'de' : 'en';
    }
}
