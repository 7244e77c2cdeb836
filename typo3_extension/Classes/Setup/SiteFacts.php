<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Setup;

use Mieterportal\Typo3\Session\KeyRing;
use Mieterportal\Typo3\Settings\PortalSettings;

/**
 * What TYPO3 knows of a site before anybody is asked.
 */
final readonly class SiteFacts
{
    /**
     * @param ?PortalSettings $settings null when they are incomplete
     * @param string $settingsProblem what is missing in them
     * @param ?KeyRing $keys null when there is no usable key
     * @param string $keyProblem `missing`, `short`, `many` or `unreadable`
     * @param string $keyVariable the environment variable that would hold it
     * @param list<string> $origins of the site in all its languages, as browsers write them
     * @param string $backendOrigin where this back end is
     * @param string $pageUrl the address of the page with the portal; empty when there is none
     * @param string $pageTitle its title in the page tree
     * @param string $login `none`, `missing`, `hidden`, `noForm`, `noReturn` or `good`
     */
    public function __construct(
        public ?PortalSettings $settings,
        public string $settingsProblem = '',
        public ?KeyRing $keys = null,
        public string $keyProblem = '',
        public string $keyVariable = '',
        public array $origins = [],
        public string $backendOrigin = '',
        public string $pageUrl = '',
        public string $pageTitle = '',
        public string $login = 'none',
    ) {}
}
