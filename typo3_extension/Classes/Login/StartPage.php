<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Login;

use Mieterportal\Typo3\Settings\PortalSettings;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Http\HtmlResponse;
use TYPO3\CMS\Core\Localization\LanguageServiceFactory;
use TYPO3\CMS\Core\Utility\PathUtility;

/**
 * The page between a button and the portal: a form that sends itself, or by its button where scripts are off.
 */
final readonly class StartPage
{
    private const LABELS = 'LLL:EXT:mieterportal/Resources/Private/Language/locallang.xlf:start.';

    public function __construct(private LanguageServiceFactory $languages) {}

    public function response(
        ServerRequestInterface $request,
        PortalSettings $settings,
        #[\SensitiveParameter]
        string $token,
        string $target,
    ): ResponseInterface {
        $language = $request->getAttribute('language');
        $words = $this->languages->createFromSiteLanguage($language);
        $h = static fn(string $text): string => htmlspecialchars($text, ENT_QUOTES | ENT_HTML5);
        $action = $settings->signOnUrl() . ($target === '' ? '' : '?' . http_build_query(['ziel' => $target]));
        $html = sprintf(
            '<!doctype html><html lang="%s"><head><meta charset="utf-8"><title>%s</title>'
            . '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
            . '<link rel="stylesheet" href="%s"><script type="module" src="%s"></script></head>'
            . '<body class="mieterportal-start"><main><h1>%s</h1><p>%s</p>'
            . '<form method="post" action="%s"><input type="hidden" name="token" value="%s">'
            . '<button type="submit">%s</button></form></main></body></html>',
            $h($language->getLocale()->getLanguageCode()),
            $h($words->sL(self::LABELS . 'title')),
            $h($this->asset('Css/mieterportal.css')),
            $h($this->asset('JavaScript/start.js')),
            $h($words->sL(self::LABELS . 'title')),
            $h($words->sL(self::LABELS . 'text')),
            $h($action),
            $h($token),
            $h($words->sL(self::LABELS . 'button')),
        );

        return new HtmlResponse($html, 200, [
            'Cache-Control' => 'private, no-store',
            // The portal asks for this site's Origin, which stricter policies hide.
            'Referrer-Policy' => 'strict-origin-when-cross-origin',
            'Content-Security-Policy' => "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'; "
                . "frame-ancestors 'none'; form-action 'self' " . $settings->origin(),
        ]);
    }

    private function asset(string $file): string
    {
        return PathUtility::getPublicResourceWebPath('EXT:mieterportal/Resources/Public/' . $file);
    }
}
