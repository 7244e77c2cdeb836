<?php

use Mieterportal\Typo3\Controller\Backend\AushangController;
use Mieterportal\Typo3\Controller\Backend\PreviewController;
use Mieterportal\Typo3\Controller\Backend\RoutingController;
use Mieterportal\Typo3\Controller\Backend\SetupController;
use Mieterportal\Typo3\Controller\Backend\SyncController;

/**
 * One module under "Sites" with five parts; an administrator gives each of them to groups of editors separately.
 */
$labels = static fn(string $name): array => [
    'title' => 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:module.' . $name . '.title',
    'description' => 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:module.' . $name . '.description',
    'shortDescription' => 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:module.' . $name . '.short',
];
$part = static fn(string $name, array $routes): array => [
    'parent' => 'mieterportal',
    'access' => 'user',
    'workspaces' => '*',
    'path' => '/module/site/mieterportal/' . $name,
    'iconIdentifier' => 'mieterportal-module',
    'labels' => $labels('mieterportal_' . $name),
    'routes' => $routes,
];

return [
    'mieterportal' => [
        'parent' => 'site',
        'position' => ['after' => 'site_configuration'],
        'access' => 'user',
        'workspaces' => '*',
        'path' => '/module/site/mieterportal',
        'iconIdentifier' => 'mieterportal-module',
        'labels' => $labels('mieterportal'),
        'appearance' => ['dependsOnSubmodules' => true],
    ],
    'mieterportal_setup' => $part('setup', [
        '_default' => ['target' => SetupController::class . '::showAction'],
        'key' => ['target' => SetupController::class . '::keyAction', 'methods' => ['POST']],
    ]),
    'mieterportal_sync' => $part('sync', [
        '_default' => ['target' => SyncController::class . '::showAction'],
        'vorgang' => ['target' => SyncController::class . '::vorgangAction'],
        'retry' => ['target' => SyncController::class . '::retryAction', 'methods' => ['POST']],
    ]),
    'mieterportal_aushaenge' => $part('aushaenge', [
        '_default' => ['target' => AushangController::class . '::showAction'],
        'edit' => ['target' => AushangController::class . '::editAction'],
        'save' => ['target' => AushangController::class . '::saveAction', 'methods' => ['POST']],
        'end' => ['target' => AushangController::class . '::endAction', 'methods' => ['POST']],
    ]),
    'mieterportal_routing' => $part('routing', [
        '_default' => ['target' => RoutingController::class . '::showAction'],
    ]),
    'mieterportal_preview' => $part('preview', [
        '_default' => ['target' => PreviewController::class . '::showAction'],
        'token' => ['target' => PreviewController::class . '::tokenAction', 'methods' => ['POST']],
    ]),
];
