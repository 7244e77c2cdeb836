<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\EventListener;

use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use TYPO3\CMS\Core\Attribute\AsEventListener;
use TYPO3\CMS\Core\Exception\SiteNotFoundException;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Directive;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Event\PolicyMutatedEvent;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\Policy;
use TYPO3\CMS\Core\Security\ContentSecurityPolicy\UriValue;
use TYPO3\CMS\Core\Site\SiteFinder;

/**
 * Lets the portal of a site into the site's Content-Security-Policy. What the policy says nothing of stays open: a
 * directive of our own would shut out everybody else.
 */
#[AsEventListener('mieterportal/allow-portal')]
final readonly class AllowPortal
{
    public function __construct(
        private SiteFinder $siteFinder,
        private PortalSettingsFactory $settings,
    ) {}

    public function __invoke(PolicyMutatedEvent $event): void
    {
        $site = $event->scope->siteIdentifier;
        if ($site === null || !$event->scope->type->isFrontend()) {
            return;
        }
        try {
            $origin = new UriValue($this->settings->forSite($this->siteFinder->getSiteByIdentifier($site))->origin());
        } catch (SiteNotFoundException|SettingsIncomplete) {
            return;
        }
        $policy = $event->getCurrentPolicy();
        $asked = [Directive::StyleSrc, Directive::StyleSrcElem, Directive::ScriptSrc, Directive::ScriptSrcElem, Directive::ImgSrc];
        foreach ([...$asked, Directive::FrameSrc, Directive::FormAction] as $directive) {
            $policy = $this->allowed($policy, $directive, $origin);
        }
        $event->setCurrentPolicy($policy);
    }

    private function allowed(Policy $policy, Directive $directive, UriValue $origin): Policy
    {
        $own = $policy->has($directive);
        // these two repeat others; without them, browsers look there
        if (!$own && in_array($directive, [Directive::StyleSrcElem, Directive::ScriptSrcElem], true)) {
            return $policy;
        }
        foreach ([$directive, ...$directive->getAncestors()] as $source) {
            if ($policy->has($source)) {
                return $policy->extend($directive, $origin);
            }
        }

        return $policy;
    }
}
