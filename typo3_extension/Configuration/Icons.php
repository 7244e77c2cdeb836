<?php

use TYPO3\CMS\Core\Imaging\IconProvider\SvgIconProvider;

$icon = static fn(string $name): array => [
    'provider' => SvgIconProvider::class,
    'source' => 'EXT:mieterportal/Resources/Public/Icons/' . $name . '.svg',
];

return [
    'mieterportal-module' => $icon('module'),
    'mieterportal-portal' => $icon('portal'),
    'mieterportal-entry' => $icon('entry'),
    'mieterportal-button' => $icon('button'),
    'mieterportal-emergency' => $icon('emergency'),
];
