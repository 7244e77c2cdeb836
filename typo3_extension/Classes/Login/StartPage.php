<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Settings\Emergency;
use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Http\HtmlResponse;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\View\ViewFactoryData;
use TYPO3\CMS\Core\View\ViewFactoryInterface;
use TYPO3\CMS\Core\View\ViewInterface;

/**
 * The page between a button and the portal: a form that sends itself, or by its button where scripts are off.
 */
final readonly class StartPage
{
    private const LABELS = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang.xlf:';
    private const NO_SCRIPT = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

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
        $view = $this->view($request, ['title' => 'start.title', 'text' => 'start.text', 'button' => 'start.button']);
        $view->assignMultiple(['action' => $settings->signOnUrl($target), 'token' => $token]);

        return new HtmlResponse($view->render('SignOn/Start'), 200, [
            'Cache-Control' => 'private, no-store',
            // The portal asks for this site's Origin, which stricter policies hide.
            'Referrer-Policy' => 'strict-origin-when-cross-origin',
            'Content-Security-Policy' => "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; "
                . "frame-ancestors 'none'; form-action 'self' " . $settings->origin(),
        ]);
    }

    /**
     * What somebody sees who has pressed the button while this site cannot sign anybody on; the log has the cause.
     */
    public function unavailable(ServerRequestInterface $request, Emergency $emergency): ResponseInterface
    {
        $words = ['title' => 'unavailable.title', 'text' => 'unavailable.text', 'emergency' => 'emergency.title', 'when' => 'emergency.text'];
        $view = $this->view($request, $words);
        $view->assign('emergency', $emergency);

        return new HtmlResponse($view->render('SignOn/Unavailable'), 503, [
            'Cache-Control' => 'private, no-store',
            'Content-Security-Policy' => self::NO_SCRIPT,
        ]);
    }

    /**
     * @param array<string, string> $words labels by their name in the template
     */
    private function view(ServerRequestInterface $request, array $words): ViewInterface
    {
        $language = $request->getAttribute('language');
        $labels = $this->languages->createFromSiteLanguage($language);
        $view = $this->views->create(new ViewFactoryData(
            templateRootPaths: ['EXT:mieterportal/Resources/Private/Templates'],
            request: $request,
        ));
        $view->assignMultiple([
            'language' => $language->getLocale()->getLanguageCode(),
            'words' => array_map(static fn(string $label): string => $labels->sL(self::LABELS . $label), $words),
        ]);

        return $view;
    }
}
