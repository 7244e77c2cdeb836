<?php

use Mieterportal\Typo3\Content\PortalElement;
use Mieterportal\Typo3\Preview\PortalPreviewRenderer;

defined('TYPO3') or die();

foreach ([PortalElement::PORTAL, PortalElement::WAY, PortalElement::LINK, PortalElement::EMERGENCY] as $type) {
    $GLOBALS['TCA']['tt_content']['types'][$type]['previewRenderer'] = PortalPreviewRenderer::class;
}
