<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller\Backend;

use Mieterportal\Typo3\Admin\AdminClientFactory;
use Mieterportal\Typo3\Admin\NoAnswer;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Backend\Attribute\AsController;
use TYPO3\CMS\Backend\Template\ModuleTemplate;
use TYPO3\CMS\Core\Http\JsonResponse;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * The portal as a demo resident sees it, in a window of its own.
 */
#[AsController]
final readonly class PreviewController
{
    public function __construct(
        private ModuleFrame $frame,
        private AdminClientFactory $clients,
    ) {}

    public function showAction(ServerRequestInterface $request): ResponseInterface
    {
        return $this->frame->filled($request, $this->fill(...))->renderResponse('Backend/Preview');
    }

    /**
     * A token is good for a minute, so it is made when the button is pressed.
     */
    public function tokenAction(ServerRequestInterface $request): ResponseInterface
    {
        $site = $this->frame->site($request);
        if ($site === null) {
            return new JsonResponse(['message' => $this->frame->words('sites.none')], 404);
        }
        try {
            $signer = $this->clients->signer($this->clients->settings($site));
        } catch (NoAnswer $none) {
            return new JsonResponse(['message' => $this->frame->trouble($none, $site)['text']], 409);
        }
        $session = AdminClientFactory::asking(ModuleFrame::user())->sessionId;
        $resident = new Claims(
            subject: 'demo:' . $site->getIdentifier(),
            sessionId: hash('sha256', 'demo.' . $session),
            person: self::person($site),
            name: $this->frame->words('preview.name'),
            roles: ['mieter'],
        );

        return new JsonResponse(['token' => $signer->token(Claims::LOGIN, $resident)], 200, ['Cache-Control' => 'no-store']);
    }

    private function fill(ModuleTemplate $view, Site $site): void
    {
        $settings = $this->clients->settings($site);
        $this->clients->signer($settings);
        $view->assignMultiple([
            'signOnUrl' => $settings->signOnUrl(),
            'tokenUrl' => $this->frame->url('mieterportal_preview.token', ['site' => $site->getIdentifier()]),
            'person' => self::person($site),
        ]);
    }

    private static function person(Site $site): string
    {
        $person = $site->getSettings()->get(PortalSettings::PREFIX . 'demoPerson');

        return is_string($person) ? trim($person) : '';
    }
}
