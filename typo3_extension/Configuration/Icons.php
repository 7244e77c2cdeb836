<?php

use TYPO3\CMS\Core\Imaging\IconProvider\SvgIconProvider;
use TYPO3\CMS\Core\Information\Typo3Version;

$icon = static fn(string $name): array => [
    'provider' => SvgIconProvider::class,
    'source' => 'EXT:mieterportal/Resources/Public/Icons/' . $name . '.svg',
];

// TYPO3 13 has its modules on coloured tiles, 14 draws them in the colour of the text.
$module = (new Typo3Version())->getMajorVersion() < 14 ? 'module13' : 'module';

return [
    'mieterportal' => $icon('Extension'),
    'mieterportal-module' => $icon($module),
    'mieterportal-portal' => $icon('portal'),
    'mieterportal-way' => $icon('way'),
    'mieterportal-link' => $icon('link'),
    'mieterportal-aushaenge' => $icon('aushaenge'),
    'mieterportal-emergency' => $icon('emergency'),
];
