<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Admin\Trouble;
use Mieterportal\Typo3\Aushang\AushangForm;
use Mieterportal\Typo3\Aushang\Choices;
use Mieterportal\Typo3\Aushang\KeptAushaenge;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Attribute\AsController;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Core\Http\RedirectResponse;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Type\ContextualFeedbackSeverity;

/**
 * Notices for residents: listed, put up, changed, withdrawn. What is right is the portal's to say; nothing that was
 * typed is lost when it says no, or does not answer.
 */
#[AsController]
final readonly class AushangController
{
    private const LIST = 'mieterportal_aushaenge';

    public function __construct(
        private ModuleFrame $frame,
        private AdminClientFactory $clients,
        private AushangViews $views,
        private KeptAushaenge $kept,
    ) {}

    public function showAction(ServerRequestInterface $request): ResponseInterface
    {
        $over = self::asked($request, 'state') === 'over';
        $before = self::asked($request, 'before');
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($over, $before): void {
            $page = $this->client($site)->aushaenge($over, $before);
            $state = $over ? ['state' => 'over'] : [];
            $view->assignMultiple($this->views->listed($page, $site) + [
                'isRead' => true,
                'over' => $over,
                'newUrl' => $this->url('mieterportal_aushaenge.edit', $site),
                'currentUrl' => $this->url(self::LIST, $site),
                'overUrl' => $this->url(self::LIST, $site, ['state' => 'over']),
                'nextUrl' => is_string($page['next'] ?? null) ? $this->url(self::LIST, $site, $state + ['before' => $page['next']]) : '',
            ]);
        });

        return $view->renderResponse('Backend/Aushaenge');
    }

    /**
     * The form: empty, with a notice, or with a former one to use again.
     */
    public function editAction(ServerRequestInterface $request): ResponseInterface
    {
        $id = self::asked($request, 'aushang');
        $again = self::asked($request, 'again');
        $view = $this->frame->filled($request, function (ModuleTemplate $view, Site $site) use ($id, $again): void {
            $view->assign('backUrl', $this->url(self::LIST, $site));
            $client = $this->client($site);
            $choices = Choices::read($client, $this->frame->language());
            $kept = $id . $again === '' ? null : $client->aushang($id === '' ? $again : $id);
            $form = $kept === null
                ? new AushangForm(timezone: $choices->timezone)
                : AushangForm::of($kept, $choices->timezone, time())->sorted($choices);
            $this->fill($view, $site, $id, $id === '' ? $form->again() : $form, $choices);
        });

        return $view->renderResponse('Backend/Aushang');
    }

    public function saveAction(ServerRequestInterface $request): ResponseInterface
    {
        $site = $this->siteMeant($request);
        if ($site === null) {
            return new RedirectResponse($this->frame->url(self::LIST), 303);
        }
        $id = self::asked($request, 'aushang');
        $form = AushangForm::typed((array)$request->getParsedBody());
        try {
            $made = $this->client($site)->putUp($id, $form->body());

            return $this->done($request, $site, $this->views->said($made, $id === '', $form->timezone));
        } catch (NoAnswer $none) {
            return $this->refused($request, $site, $id, $form, $none);
        }
    }

    /**
     * Nobody sees the notice any longer.
     */
    public function endAction(ServerRequestInterface $request): ResponseInterface
    {
        $site = $this->siteMeant($request);
        if ($site === null) {
            return new RedirectResponse($this->frame->url(self::LIST), 303);
        }
        try {
            $this->client($site)->withdraw(self::asked($request, 'aushang'));

            return $this->done($request, $site, $this->frame->words('aushang.ended'));
        } catch (NoAnswer $none) {
            $trouble = $this->frame->trouble($none, $site);
            $this->frame->view($request, $site)->addFlashMessage($trouble['text'], $trouble['title'], ContextualFeedbackSeverity::ERROR);

            return new RedirectResponse($this->url(self::LIST, $site), 303);
        }
    }

    private function done(ServerRequestInterface $request, Site $site, string $said): ResponseInterface
    {
        $this->kept->forget();
        $this->frame->view($request, $site)->addFlashMessage($said, '', ContextualFeedbackSeverity::OK);

        return new RedirectResponse($this->url(self::LIST, $site), 303);
    }

    /**
     * The form once more, as it was typed; what there is to choose from is asked for anew, if that can be.
     */
    private function refused(
        ServerRequestInterface $request,
        Site $site,
        string $id,
        AushangForm $form,
        NoAnswer $none,
    ): ResponseInterface {
        $wrong = $none->trouble === Trouble::Aushang ? $none->parameters : [];
        $view = $this->frame->view($request, $site);
        try {
            $choices = Choices::read($this->client($site), $this->frame->language());
        } catch (NoAnswer) {
            $choices = Choices::of($form);
        }
        $this->fill($view, $site, $id, $form->sorted($choices), $choices, $wrong);
        if ($wrong === [] || array_diff($wrong, AushangForm::FIELDS) !== []) {
            $view->assign('trouble', $this->frame->trouble($none, $site));
        }
        $view->assignMultiple([
            'backUrl' => $this->url(self::LIST, $site),
            'isUnsure' => in_array($none->trouble, [Trouble::Timeout, Trouble::Connection], true),
        ]);

        return $view->renderResponse('Backend/Aushang')->withStatus(422);
    }

    /**
     * @param list<string> $wrong
     */
    private function fill(
        ModuleTemplate $view,
        Site $site,
        string $id,
        AushangForm $form,
        Choices $choices,
        array $wrong = [],
    ): void {
        $view->assignMultiple($this->views->form($form, $choices, $wrong) + [
            'isNew' => $id === '',
            'saveUrl' => $this->url('mieterportal_aushaenge.save', $site, $id === '' ? [] : ['aushang' => $id]),
        ]);
    }

    /**
     * The site that the address names and no other: a notice must not come up at somebody else's.
     */
    private function siteMeant(ServerRequestInterface $request): ?Site
    {
        $site = $this->frame->site($request);

        return $site?->getIdentifier() === self::asked($request, 'site') ? $site : null;
    }

    private function client(Site $site): AdminClient
    {
        return $this->clients->forSite($site, ModuleFrame::user());
    }

    /**
     * @param array<string, string> $more
     */
    private function url(string $route, Site $site, array $more = []): string
    {
        return $this->frame->url($route, ['site' => $site->getIdentifier()] + $more);
    }

    private static function asked(ServerRequestInterface $request, string $name): string
    {
        $value = $request->getQueryParams()[$name] ?? '';

        return is_string($value) ? $value : '';
    }
}
