<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Widget;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Controller\Backend\ModuleFrame;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Module\ModuleProvider;
use TYPO3\CMS\Backend\View\BackendViewFactory;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Dashboard\Widgets\RequestAwareWidgetInterface;
use TYPO3\CMS\Dashboard\Widgets\WidgetConfigurationInterface;
use TYPO3\CMS\Dashboard\Widgets\WidgetInterface;

/**
 * On the dashboard: what is open, what is parked, and since when, for each site that the person may see.
 */
final class VorgaengeWidget implements WidgetInterface, RequestAwareWidgetInterface
{
    private ServerRequestInterface $request;

    /**
     * @param array<string, mixed> $options
     */
    public function __construct(
        private readonly WidgetConfigurationInterface $configuration,
        private readonly BackendViewFactory $views,
        private readonly ModuleFrame $frame,
        private readonly ModuleProvider $modules,
        private readonly AdminClientFactory $clients,
        private readonly array $options = [],
    ) {}

    public function setRequest(ServerRequestInterface $request): void
    {
        $this->request = $request;
    }

    public function renderWidgetContent(): string
    {
        $view = $this->views->create($this->request, ['typo3/cms-dashboard', 'mieterportal/typo3-mieterportal']);
        $sites = array_filter($this->frame->sites(ModuleFrame::user()), ModuleFrame::hasPortal(...));
        $view->assignMultiple(['sites' => array_values(array_map($this->row(...), $sites)), 'configuration' => $this->configuration]);

        return $view->render('Widget/Vorgaenge');
    }

    /**
     * @return array<string, mixed>
     */
    public function getOptions(): array
    {
        return $this->options;
    }

    /**
     * @return array<string, mixed>
     */
    private function row(Site $site): array
    {
        $row = ['name' => $site->getIdentifier()];
        if ($this->modules->accessGranted('mieterportal_sync', ModuleFrame::user())) {
            $row['url'] = $this->frame->url('mieterportal_sync', ['site' => $site->getIdentifier()]);
        }
        try {
            return $row + ['status' => $this->clients->forSite($site, ModuleFrame::user())->status()];
        } catch (NoAnswer $none) {
            return $row + ['trouble' => $this->frame->trouble($none, $site)];
        }
    }
}
