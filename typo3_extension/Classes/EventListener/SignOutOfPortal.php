<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\EventListener;

use Mieterportal\Typo3\Login\KnownSession;
use Mieterportal\Typo3\Portal\PortalClientFactory;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Psr\Log\LoggerInterface;
use TYPO3\CMS\Core\Attribute\AsEventListener;
use TYPO3\CMS\Core\Authentication\Event\BeforeUserLogoutEvent;
use TYPO3\CMS\Core\Site\SiteFinder;
use TYPO3\CMS\Frontend\Authentication\FrontendUserAuthentication;

/**
 * Who signs out here is signed out of the portal. Whatever goes wrong there, signing out here goes on.
 */
#[AsEventListener('mieterportal/sign-out-of-portal')]
final readonly class SignOutOfPortal
{
    public function __construct(
        private SiteFinder $sites,
        private PortalSettingsFactory $settings,
        private PortalClientFactory $clients,
        private LoggerInterface $logger,
    ) {}

    public function __invoke(BeforeUserLogoutEvent $event): void
    {
        $ending = $event->getUserSession();
        $isFrontEnd = $event->getUser() instanceof FrontendUserAuthentication;
        $session = $isFrontEnd && $ending !== null ? KnownSession::of($ending) : null;
        foreach ($session?->sites() ?? [] as $site) {
            try {
                $settings = $this->settings->forSite($this->sites->getSiteByIdentifier($site));
                $this->clients->client($settings)->signOut($session->claims());
            } catch (\Exception $failed) {
                $this->logger->warning('Signing out of the portal failed: {cause}', ['cause' => $failed->getMessage()]);
            }
        }
    }
}
