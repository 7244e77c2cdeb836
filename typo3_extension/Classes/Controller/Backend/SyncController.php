<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Attribute\AsController;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Core\Http\RedirectResponse;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Type\ContextualFeedbackSeverity;

/**
 * How delivery to immotion stands: what is parked, why, and sending it again.
 */
#[AsController]
final readonly class SyncController
{
    private const PAGE = 50;

    public function __construct(
        private ModuleFrame $frame,
        private AdminClientFactory $clients,
    ) {}

    public function showAction(ServerRequestInterface $request): ResponseInterface
    {
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($request): void {
            $client = $this->clients->forSite($site, ModuleFrame::user());
            $page = $client->parked(self::text($request->getQueryParams(), 'after'), self::PAGE);
            $view->assignMultiple([
                'status' => $client->status(),
                'parked' => $this->listed((array)($page['vorgaenge'] ?? []), $site),
                'nextUrl' => is_string($page['next'] ?? null) ? $this->url('mieterportal_sync', $site, ['after' => $page['next']]) : '',
                'retryAllUrl' => $this->url('mieterportal_sync.retry', $site),
            ]);
        });

        return $view->renderResponse('Backend/Sync');
    }

    public function vorgangAction(ServerRequestInterface $request): ResponseInterface
    {
        $id = self::text($request->getQueryParams(), 'vorgang');
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($id): void {
            $view->assignMultiple([
                'retryUrl' => $this->url('mieterportal_sync.retry', $site, ['vorgang' => $id]),
                'backUrl' => $this->url('mieterportal_sync', $site),
            ]);
            $view->assign('vorgang', $this->clients->forSite($site, ModuleFrame::user())->vorgang($id));
        });

        return $view->renderResponse('Backend/Vorgang');
    }

    /**
     * Send again one Vorgang, or all that are parked.
     */
    public function retryAction(ServerRequestInterface $request): ResponseInterface
    {
        $site = $this->frame->site($request);
        $view = $this->frame->view($request, $site);
        if ($site === null) {
            return new RedirectResponse($this->frame->url('mieterportal_sync'), 303);
        }
        $id = self::text($request->getQueryParams(), 'vorgang');
        try {
            $client = $this->clients->forSite($site, ModuleFrame::user());
            $effect = $id === '' ? $client->retryAll() : $client->retry($id);
            $said = [(int)($effect['rows'] ?? 0), (int)($effect['vorgaenge'] ?? 0)];
            $view->addFlashMessage($this->frame->words('sync.retried', $said), '', ContextualFeedbackSeverity::OK);
        } catch (NoAnswer $none) {
            $trouble = $this->frame->trouble($none, $site);
            $view->addFlashMessage($trouble['text'], $trouble['title'], ContextualFeedbackSeverity::ERROR);
        }

        return new RedirectResponse($this->url('mieterportal_sync', $site), 303);
    }

    /**
     * @param array<array-key, mixed> $vorgaenge
     * @return list<array<string, mixed>>
     */
    private function listed(array $vorgaenge, Site $site): array
    {
        $listed = [];
        foreach ($vorgaenge as $one) {
            if (is_array($one) && is_string($one['id'] ?? null)) {
                $listed[] = $one + [
                    'showUrl' => $this->url('mieterportal_sync.vorgang', $site, ['vorgang' => $one['id']]),
                    'retryUrl' => $this->url('mieterportal_sync.retry', $site, ['vorgang' => $one['id']]),
                ];
            }
        }

        return $listed;
    }

    /**
     * @param array<string, string> $more
     */
    private function url(string $route, Site $site, array $more = []): string
    {
        return $this->frame->url($route, ['site' => $site->getIdentifier()] + $more);
    }

    /**
     * @param array<array-key, mixed> $given
     */
    private static function text(array $given, string $name): string
    {
        return is_string($given[$name] ?? null) ? $given[$name] : '';
    }
}
