<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * The way to the page where visitors sign in, and back.
 */
final class LoginLink
{
    /**
     * @param string $back where to come back to; felogin goes there in its redirect mode `getpost`
     * @return string empty when the site has no such page
     */
    public function url(ServerRequestInterface $request, PortalSettings $settings, string $back): string
    {
        $site = $request->getAttribute('site');
        if ($settings->loginPage === 0 || !$site instanceof Site) {
            return '';
        }
        $parameters = ['_language' => $request->getAttribute('language'), 'redirect_url' => $back];

        return (string)$site->getRouter()->generateUri($settings->loginPage, $parameters);
    }
}
