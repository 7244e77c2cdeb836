<?php

use Mieterportal\Typo3\Middleware\AskPortal;
use Mieterportal\Typo3\Middleware\FindPortalAddress;
use Mieterportal\Typo3\Middleware\SignOn;

return [
    'frontend' => [
        'mieterportal/sign-on' => [
            'target' => SignOn::class,
            'after' => ['typo3/cms-frontend/authentication', 'typo3/cms-frontend/backend-user-authentication'],
            'before' => ['typo3/cms-frontend/page-resolver'],
        ],
        'mieterportal/find-portal-address' => [
            'target' => FindPortalAddress::class,
            'after' => ['typo3/cms-frontend/page-resolver'],
            'before' => ['typo3/cms-frontend/page-argument-validator'],
        ],
        // Access to the page has been checked by then, and nothing that adds headers comes between.
        'mieterportal/ask-portal' => [
            'target' => AskPortal::class,
            'after' => ['typo3/cms-frontend/prepare-tsfe-rendering'],
            'before' => [
                'typo3/cms-frontend/content-length-headers',
                'typo3/cms-frontend/csp-headers',
                'typo3/cms-frontend/output-compression',
                'typo3/cms-frontend/shortcut-and-mountpoint-redirect',
            ],
        ],
    ],
];
