<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Routing;

use Mieterportal\Typo3\Content\PortalElements;
use TYPO3\CMS\Core\Routing\Enhancer\SimpleEnhancer;
use TYPO3\CMS\Core\Routing\Route;
use TYPO3\CMS\Core\Routing\RouteCollection;
use TYPO3\CMS\Core\Utility\GeneralUtility;

/**
 * Route enhancer `Mieterportal`: every address below a page that shows the portal is a page of the portal. Below any
 * other page nothing changes, so it needs no `limitToPages`.
 */
final class PortalEnhancer extends SimpleEnhancer
{
    public const TYPE = 'Mieterportal';
    public const ARGUMENT = 'mieterportal';

    public function __construct(array $configuration)
    {
        parent::__construct([
            'routePath' => '/{' . self::ARGUMENT . '}',
            'requirements' => [self::ARGUMENT => '.+'],
            'static' => [self::ARGUMENT => true],
        ] + $configuration);
    }

    public function enhanceForMatching(RouteCollection $collection): void
    {
        $route = $collection->get('default');
        if ($route instanceof Route && $this->showsPortal($route->getOption('_page') ?? [])) {
            parent::enhanceForMatching($collection);
        }
    }

    /**
     * @param array<string, mixed> $page
     */
    private function showsPortal(array $page): bool
    {
        $pageId = (int)($page['l10n_parent'] ?? 0) ?: (int)($page['uid'] ?? 0);
        $elements = GeneralUtility::makeInstance(PortalElements::class);

        return $elements->fragmentOn($pageId, (int)($page['sys_language_uid'] ?? 0)) !== null;
    }
}
