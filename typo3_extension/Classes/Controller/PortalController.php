<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller;

use Mieterportal\Typo3\Content\Embedding;
use Mieterportal\Typo3\Content\PortalAddress;
use Mieterportal\Typo3\Content\PortalElement;
use Mieterportal\Typo3\Content\PortalState;
use Mieterportal\Typo3\Content\PortalView;
use Mieterportal\Typo3\Login\LoginLink;
use Mieterportal\Typo3\Login\SignOnPaths;
use Mieterportal\Typo3\Login\Visitor;
use Mieterportal\Typo3\PageTitle\PortalTitleProvider;
use Mieterportal\Typo3\Settings\Emergency;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use Psr\Http\Message\ResponseInterface;
use TYPO3\CMS\Extbase\Mvc\Controller\ActionController;
use TYPO3\CMS\Frontend\ContentObject\ContentObjectRenderer;

/**
 * The content elements.
 */
final class PortalController extends ActionController
{
    public function __construct(
        private readonly PortalSettingsFactory $portalSettings,
        private readonly LoginLink $loginLink,
        private readonly PortalTitleProvider $title,
    ) {}

    /**
     * The whole portal or one way in, in the page itself, in a frame or by a button. Never cached.
     */
    public function showAction(): ResponseInterface
    {
        $element = $this->element();
        $settings = $this->read();
        $this->view->assignMultiple(['portal' => $settings, 'emergency' => $this->emergency(), 'uid' => $element->uid]);
        if ($settings === null) {
            return $this->rendered(PortalState::Unavailable);
        }

        return match ($element->embedding) {
            Embedding::Fragment => $this->fragment($settings, $element),
            Embedding::Iframe => $this->frame($settings, $element),
            Embedding::NewTab => $this->button($element),
        };
    }

    /**
     * A button or link to the portal: the same for everybody.
     */
    public function linkAction(): ResponseInterface
    {
        return $this->button($this->element());
    }

    /**
     * The numbers for emergencies: the same for everybody.
     */
    public function emergencyAction(): ResponseInterface
    {
        $this->view->assignMultiple(['emergency' => $this->emergency(), 'uid' => $this->element()->uid]);

        return $this->htmlResponse();
    }

    private function fragment(PortalSettings $settings, PortalElement $element): ResponseInterface
    {
        $address = $this->request->getAttribute(PortalAddress::ATTRIBUTE);
        $view = $this->request->getAttribute(PortalView::ATTRIBUTE);
        if (!$address instanceof PortalAddress || !$view instanceof PortalView || $address->element->uid !== $element->uid) {
            return $this->button($element); // a second one on the page, or one shown on somebody else's page
        }
        if ($view->title !== '') {
            $this->title->setTitle($view->title);
        }
        $this->view->assignMultiple([
            'view' => $view,
            'address' => $address,
            'loginUrl' => $this->loginLink->url($this->request, $settings, $address->getUrl()),
        ]);

        return $this->rendered($view->state);
    }

    private function frame(PortalSettings $settings, PortalElement $element): ResponseInterface
    {
        $isSignedIn = Visitor::of($this->request) !== null;
        $target = $element->target();
        $this->view->assignMultiple([
            'frameUrl' => $settings->signOnUrl($target),
            'tokenUrl' => SignOnPaths::path($this->request, SignOnPaths::TOKEN),
            'startUrl' => SignOnPaths::start($this->request, $target),
            'loginUrl' => $this->loginLink->url($this->request, $settings, (string)$this->request->getUri()),
        ]);

        return $isSignedIn ? $this->rendered(null) : $this->rendered(PortalState::SignIn);
    }

    private function button(PortalElement $element): ResponseInterface
    {
        $this->view->assignMultiple([
            'startUrl' => SignOnPaths::start($this->request, $element->target()),
            'start' => $element->start,
            'asButton' => true,
        ]);

        return $this->rendered(null);
    }

    private function rendered(?PortalState $state): ResponseInterface
    {
        $this->view->assign('state', $state?->value ?? '');

        return $this->htmlResponse();
    }

    private function element(): PortalElement
    {
        $content = $this->request->getAttribute('currentContentObject');

        return PortalElement::fromRow($content instanceof ContentObjectRenderer ? $content->data : []);
    }

    private function emergency(): Emergency
    {
        return $this->portalSettings->emergency($this->request->getAttribute('site'));
    }

    private function read(): ?PortalSettings
    {
        try {
            return $this->portalSettings->forSite($this->request->getAttribute('site'));
        } catch (SettingsIncomplete) {
            return null; // the log has it: AskPortal wrote it, or the module says it
        }
    }
}
