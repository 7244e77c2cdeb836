<?php

declare(strict_types=1);

use Mieterportal\Typo3\Widget\VorgaengeWidget;
use Symfony\Component\DependencyInjection\Loader\Configurator\ContainerConfigurator;
use TYPO3\CMS\Dashboard\Widgets\WidgetInterface;

/**
 * The dashboard is an extension that not every installation has.
 */
return static function (ContainerConfigurator $container): void {
    if (!interface_exists(WidgetInterface::class)) {
        return;
    }
    $labels = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang_module.xlf:widget.';
    $container->services()
        ->set('dashboard.widget.mieterportal.vorgaenge', VorgaengeWidget::class)
        ->autowire()
        ->tag('dashboard.widget', [
            'identifier' => 'mieterportal-vorgaenge',
            'groupNames' => 'systemInfo',
            'title' => $labels . 'title',
            'description' => $labels . 'description',
            'iconIdentifier' => 'mieterportal-module',
            'height' => 'small',
            'width' => 'medium',
        ]);
};
