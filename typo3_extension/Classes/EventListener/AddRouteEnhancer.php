<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\EventListener;

use Mieterportal\Typo3\Routing\PortalEnhancer;
use TYPO3\CMS\Core\Attribute\AsEventListener;
use TYPO3\CMS\Core\Configuration\Event\SiteConfigurationLoadedEvent;

/**
 * Gives every site the portal's route enhancer, unless its configuration names one: nobody has to write it down.
 */
#[AsEventListener('mieterportal/add-route-enhancer')]
final class AddRouteEnhancer
{
    public const ADDED = ['type' => PortalEnhancer::TYPE];

    public function __invoke(SiteConfigurationLoadedEvent $event): void
    {
        $configuration = $event->getConfiguration();
        $types = array_column($configuration['routeEnhancers'] ?? [], 'type');
        if (!in_array(PortalEnhancer::TYPE, $types, true)) {
            $configuration['routeEnhancers'][PortalEnhancer::TYPE] = self::ADDED;
            $event->setConfiguration($configuration);
        }
    }
}
