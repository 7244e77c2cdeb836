<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Controller;

use Mieterportal\Typo3\Aushang\Aushaenge;
use Mieterportal\Typo3\Aushang\AushangElement;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Psr\Http\Message\ResponseInterface;
use TYPO3\CMS\Extbase\Mvc\Controller\ActionController;
use TYPO3\CMS\Frontend\ContentObject\ContentObjectRenderer;

/**
 * The content element with notices. Never cached as a part of the page: whoever is signed in sees their own.
 */
final class AushaengeController extends ActionController
{
    public function __construct(
        private readonly Aushaenge $aushaenge,
        private readonly PortalSettingsFactory $portalSettings,
    ) {}

    public function showAction(): ResponseInterface
    {
        $content = $this->request->getAttribute('currentContentObject');
        $element = AushangElement::fromRow($content instanceof ContentObjectRenderer ? $content->data : []);
        $html = $this->aushaenge->shown($this->request, $element);
        $this->view->assignMultiple([
            'html' => $html ?? '',
            'isAway' => $html === null,
            'saysNone' => $element->saysNone,
            'emergency' => $this->portalSettings->emergency($this->request->getAttribute('site')),
        ]);

        return $this->htmlResponse();
    }
}
