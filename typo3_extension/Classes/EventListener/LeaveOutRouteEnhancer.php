<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\EventListener;

use Mieterportal\Typo3\Routing\PortalEnhancer;
use TYPO3\CMS\Core\Attribute\AsEventListener;
use TYPO3\CMS\Core\Configuration\Event\SiteConfigurationBeforeWriteEvent;

/**
 * The back end writes a site's configuration as it was loaded. The enhancer that AddRouteEnhancer put there must not
 * get into the file: without this extension, TYPO3 knows no such type and shows none of the site's pages.
 */
#[AsEventListener('mieterportal/leave-out-route-enhancer')]
final class LeaveOutRouteEnhancer
{
    public function __invoke(SiteConfigurationBeforeWriteEvent $event): void
    {
        $configuration = $event->getConfiguration();
        if (($configuration['routeEnhancers'][PortalEnhancer::TYPE] ?? null) !== AddRouteEnhancer::ADDED) {
            return;
        }
        unset($configuration['routeEnhancers'][PortalEnhancer::TYPE]);
        if ($configuration['routeEnhancers'] === []) {
            unset($configuration['routeEnhancers']);
        }
        $event->setConfiguration($configuration);
    }
}
