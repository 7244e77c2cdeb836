<?php

declare(strict_types=1);

use Mieterportal\Typo3\Controller\AushaengeController;
use Mieterportal\Typo3\Controller\PortalController;
use Mieterportal\Typo3\Form\ElementChoices;
use Mieterportal\Typo3\PageTitle\PortalTitleProvider;
use Mieterportal\Typo3\Routing\PortalEnhancer;
use TYPO3\CMS\Backend\Form\FormDataProvider\SiteResolving;
use TYPO3\CMS\Backend\Form\FormDataProvider\TcaFlexPrepare;
use TYPO3\CMS\Backend\Form\FormDataProvider\TcaFlexProcess;
use TYPO3\CMS\Core\Utility\ExtensionManagementUtility;
use TYPO3\CMS\Extbase\Utility\ExtensionUtility;

defined('TYPO3') or die();

foreach (['Portal', 'Way'] as $plugin) {
    ExtensionUtility::configurePlugin(
        'Mieterportal',
        $plugin,
        [PortalController::class => ['show']],
        [PortalController::class => ['show']],
        ExtensionUtility::PLUGIN_TYPE_CONTENT_ELEMENT,
    );
}
ExtensionUtility::configurePlugin(
    'Mieterportal',
    'Aushaenge',
    [AushaengeController::class => ['show']],
    [AushaengeController::class => ['show']],
    ExtensionUtility::PLUGIN_TYPE_CONTENT_ELEMENT,
);
foreach (['Link' => 'link', 'Emergency' => 'emergency'] as $plugin => $action) {
    ExtensionUtility::configurePlugin(
        'Mieterportal',
        $plugin,
        [PortalController::class => [$action]],
        [],
        ExtensionUtility::PLUGIN_TYPE_CONTENT_ELEMENT,
    );
}

$GLOBALS['TYPO3_CONF_VARS']['SYS']['formEngine']['formDataGroup']['tcaDatabaseRecord'][ElementChoices::class] = [
    'depends' => [SiteResolving::class, TcaFlexPrepare::class],
    'before' => [TcaFlexProcess::class],
];
$GLOBALS['TYPO3_CONF_VARS']['SYS']['routing']['enhancers'][PortalEnhancer::TYPE] = PortalEnhancer::class;

ExtensionManagementUtility::addTypoScriptSetup(
    'config.pageTitleProviders.mieterportal {
        provider = ' . PortalTitleProvider::class . '
        before = record, seo, recordTitle
    }
    lib.mieterportal.breadcrumb = USER_INT
    lib.mieterportal.breadcrumb.userFunc = Mieterportal\Typo3\Content\Breadcrumb->item',
);
