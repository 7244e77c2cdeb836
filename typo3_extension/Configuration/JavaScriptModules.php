<?php

return [
    'dependencies' => ['backend'],
    'imports' => [
        '@mieterportal/typo3/' => 'EXT:mieterportal/Resources/Public/JavaScript/Backend/',
    ],
];
