<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Http\HtmlResponse;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\View\ViewFactoryData;
use TYPO3\CMS\Core\View\ViewFactoryInterface;

/**
 * The page between a button and the portal: a form that sends itself, or by its button where scripts are off.
 */
final readonly class StartPage
{
    private const LABELS = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang.xlf:start.';

    public function __construct(
        private LanguageServiceFactory $languages,
        private ViewFactoryInterface $views,
    ) {}

    public function response(
        ServerRequestInterface $request,
        PortalSettings $settings,
        #[\SensitiveParameter]
        string $token,
        string $target,
    ): ResponseInterface {
        $language = $request->getAttribute('language');
        $labels = $this->languages->createFromSiteLanguage($language);
        $view = $this->views->create(new ViewFactoryData(
            templateRootPaths: ['EXT:mieterportal/Resources/Private/Templates'],
            request: $request,
        ));
        $view->assignMultiple([
            'language' => $language->getLocale()->getLanguageCode(),
            'action' => $settings->signOnUrl($target),
            'token' => $token,
            'words' => [
                'title' => $labels->sL(self::LABELS . 'title'),
                'text' => $labels->sL(self::LABELS . 'text'),
                'button' => $labels->sL(self::LABELS . 'button'),
            ],
        ]);

        return new HtmlResponse($view->render('SignOn/Start'), 200, [
            'Cache-Control' => 'private, no-store',
            // The portal asks for this site's Origin, which stricter policies hide.
            'Referrer-Policy' => 'strict-origin-when-cross-origin',
            'Content-Security-Policy' => "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; "
                . "frame-ancestors 'none'; form-action 'self' " . $settings->origin(),
        ]);
    }
}
