<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Aushang;

use Mieterportal\Typo3\Content\PortalHome;
use Mieterportal\Typo3\Login\Visitor;
use Mieterportal\Typo3\Portal\PortalAnswer;
use Mieterportal\Typo3\Portal\PortalClientFactory;
use Mieterportal\Typo3\Portal\PortalRequest;
use Mieterportal\Typo3\Portal\PortalUnreachable;
use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Log\LoggerInterface;
use TYPO3\CMS\Core\Core\RequestId;
use TYPO3\CMS\Core\Site\Entity\Site;
use TYPO3\CMS\Core\Site\Entity\SiteInterface;

/**
 * The notices that stand in a page: those of whoever is signed in, else the public ones.
 */
final readonly class Aushaenge
{
    private const PATH = 'aushang';

    public function __construct(
        private PortalSettingsFactory $settings,
        private PortalClientFactory $clients,
        private PortalHome $home,
        private KeptAushaenge $kept,
        private RequestId $requestId,
        private LoggerInterface $logger,
    ) {}

    /**
     * @return ?string HTML of the portal's, empty where there is no notice; null when they are not to be had
     */
    public function shown(ServerRequestInterface $request, AushangElement $element): ?string
    {
        $visitor = $element->isPublic ? null : Visitor::of($request);
        $home = $visitor === null ? '' : $this->homeOf($request, $element);
        $whose = $home === '' ? 'public' : 'own';
        try {
            $settings = $this->settings->forSite($this->site($request));
            if ($this->kept->isAway($settings, $whose)) {
                return null;
            }

            return $visitor === null || $home === ''
                ? $this->public($request, $settings)
                : $this->own($request, $settings, $visitor, $home);
        } catch (PortalUnreachable $failed) {
            $this->kept->keepAway($settings, $whose);
            $cause = $failed->getMessage();
        } catch (KeyMissing|SettingsIncomplete $incomplete) {
            $cause = $incomplete->getMessage();
        }
        $this->logger->error('Notices cannot be shown: {cause}', ['cause' => $cause]);

        return null;
    }

    /**
     * @param string $home the page that their links and forms lead to
     * @throws KeyMissing
     * @throws PortalUnreachable
     */
    private function own(ServerRequestInterface $request, PortalSettings $settings, Visitor $visitor, string $home): string
    {
        $visitor->isSeenBy($this->site($request)->getIdentifier());
        $claims = $visitor->claims($settings, $request->getAttribute('language'));

        return $this->html($this->clients->client($settings)->ask($this->question('teil=1', $home), $claims), $settings);
    }

    /**
     * @throws KeyMissing
     * @throws PortalUnreachable
     */
    private function public(ServerRequestInterface $request, PortalSettings $settings): string
    {
        $language = $request->getAttribute('language')->getLocale()->getLanguageCode();
        $html = $this->kept->public($settings, $language);
        if ($html === null) {
            $asked = $this->question('teil=1&lang=' . rawurlencode($language), '');
            $html = $this->html($this->clients->client($settings)->askUnsigned($asked), $settings);
            $this->kept->keepPublic($settings, $language, $html);
        }

        return $html;
    }

    private function question(string $query, string $home): PortalRequest
    {
        return new PortalRequest('GET', self::PATH, $query, $home, ['Accept' => 'text/html'], null, $this->requestId->long);
    }

    private function html(PortalAnswer $answer, PortalSettings $settings): string
    {
        if ($answer->status() !== 200 || !$answer->isFragment()) {
            throw new PortalUnreachable($answer->whatIsWrong($settings, time()), 1764150011);
        }

        return trim($answer->html($settings->timeout));
    }

    /**
     * Empty where no page of this site has the portal in it.
     */
    private function homeOf(ServerRequestInterface $request, AushangElement $element): string
    {
        $site = $this->site($request);

        return $site instanceof Site ? $this->home->url($request, $site, $element->page) : '';
    }

    private function site(ServerRequestInterface $request): SiteInterface
    {
        return $request->getAttribute('site');
    }
}
