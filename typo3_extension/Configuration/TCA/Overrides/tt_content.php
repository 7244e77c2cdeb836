<?php

use Mieterportal\Typo3\Preview\PortalPreviewRenderer;
use TYPO3\CMS\Core\Information\Typo3Version;
use TYPO3\CMS\Core\Utility\ExtensionManagementUtility;
use TYPO3\CMS\Extbase\Utility\ExtensionUtility;

defined('TYPO3') or die();

(static function (): void {
    $labels = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_content.xlf:';
    ExtensionManagementUtility::addTcaSelectItemGroup('tt_content', 'CType', 'mieterportal', $labels . 'group', 'after:default');
    foreach (['Portal' => true, 'Way' => true, 'Link' => true, 'Aushaenge' => true, 'Emergency' => false] as $plugin => $hasForm) {
        $name = strtolower($plugin);
        $type = ExtensionUtility::registerPlugin(
            'Mieterportal',
            $plugin,
            $labels . $name . '.title',
            'mieterportal-' . $name,
            'mieterportal',
            $labels . $name . '.description',
        );
        $GLOBALS['TCA']['tt_content']['types'][$type]['previewRenderer'] = PortalPreviewRenderer::class;
        if ($hasForm) {
            $form = 'FILE:EXT:mieterportal/Configuration/FlexForms/' . $plugin . '.xml';
            if ((new Typo3Version())->getMajorVersion() < 14) {
                ExtensionManagementUtility::addPiFlexFormValue('*', $form, $type);
            } else {
                $GLOBALS['TCA']['tt_content']['types'][$type]['columnsOverrides']['pi_flexform']['config']['ds'] = $form;
            }
            ExtensionManagementUtility::addToAllTCAtypes(
                'tt_content',
                '--div--;' . $labels . 'group, pi_flexform',
                $type,
                'after:palette:headers',
            );
        }
    }
})();
