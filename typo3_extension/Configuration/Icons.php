<?php

use TYPO3\CMS\Core\Imaging\IconProvider\SvgIconProvider;

$icon = static fn(string $name): array => [
    'provider' => SvgIconProvider::class,
    'source' => 'EXT:mieterportal/Resources/Public/Icons/' . $name . '.svg',
];

return [
    'mieterportal' => $icon('Extension'),
    'mieterportal-module' => $icon('module'),
    'mieterportal-portal' => $icon('portal'),
    'mieterportal-way' => $icon('way'),
    'mieterportal-link' => $icon('link'),
    'mieterportal-aushaenge' => $icon('aushaenge'),
    'mieterportal-emergency' => $icon('emergency'),
];
