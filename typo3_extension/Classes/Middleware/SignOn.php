<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Middleware;

use Mieterportal\Typo3\Login\LoginLink;
use Mieterportal\Typo3\Login\SignOnPaths;
use Mieterportal\Typo3\Login\StartPage;
use Mieterportal\Typo3\Login\Visitor;
use Mieterportal\Typo3\Portal\PortalClientFactory;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Settings\Origin;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\MiddlewareInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Psr\Log\LoggerInterface;
use TYPO3\CMS\Core\Http\JsonResponse;
use TYPO3\CMS\Core\Http\RedirectResponse;

/**
 * Tells the portal who is signed in where the portal has a window or frame of its own: the frame fetches a token with
 * its nonce; a button or link leads to a page that carries one. A token lasts a minute and never stands in an address.
 */
final readonly class SignOn implements MiddlewareInterface
{
    private const NOT_KEPT = ['Cache-Control' => 'private, no-store'];
    private const NONCE_MAX = 200;

    public function __construct(
        private PortalSettingsFactory $settings,
        private PortalClientFactory $clients,
        private LoginLink $loginLink,
        private StartPage $startPage,
        private LoggerInterface $logger,
    ) {}

    public function process(ServerRequestInterface $request, RequestHandlerInterface $handler): ResponseInterface
    {
        $path = $request->getUri()->getPath();
        $answer = match ($path) {
            SignOnPaths::path($request, SignOnPaths::TOKEN) => $this->token(...),
            SignOnPaths::path($request, SignOnPaths::START) => $this->start(...),
            default => null,
        };
        if ($answer === null) {
            return $handler->handle($request);
        }
        try {
            return $answer($request, $this->settings->forSite($request->getAttribute('site')));
        } catch (SettingsIncomplete|KeyMissing $failed) {
            $this->logger->error('Nobody can be signed on at the portal: {cause}', ['cause' => $failed->getMessage()]);

            return $path === SignOnPaths::path($request, SignOnPaths::START)
                ? $this->startPage->unavailable($request, $this->settings->emergency($request->getAttribute('site')))
                : new JsonResponse(['error' => 'unavailable'], 503, self::NOT_KEPT);
        }
    }

    private function token(ServerRequestInterface $request, PortalSettings $settings): ResponseInterface
    {
        $visitor = Visitor::of($request);
        $nonce = ((array)$request->getParsedBody())['nonce'] ?? '';
        $refused = match (true) {
            $request->getMethod() !== 'POST' => 405,
            $request->getHeaderLine('Origin') !== Origin::of((string)$request->getUri()) => 403,
            $visitor === null => 401,
            !is_string($nonce) || $nonce === '' || strlen($nonce) > self::NONCE_MAX => 400,
            default => 0,
        };
        if ($refused !== 0 || $visitor === null) {
            return new JsonResponse(['error' => $refused], $refused, self::NOT_KEPT);
        }

        return new JsonResponse(['token' => $this->signed($request, $settings, $visitor, $nonce)], 200, self::NOT_KEPT);
    }

    private function start(ServerRequestInterface $request, PortalSettings $settings): ResponseInterface
    {
        $visitor = Visitor::of($request);
        $target = SignOnPaths::target($request->getQueryParams()['ziel'] ?? '');
        if ($visitor === null) {
            $back = (string)$request->getUri();
            $login = $this->loginLink->url($request, $settings, $back);

            return new RedirectResponse($login === '' ? (string)$request->getUri()->withPath('/')->withQuery('') : $login, 303);
        }

        return $this->startPage->response($request, $settings, $this->signed($request, $settings, $visitor), $target);
    }

    private function signed(
        ServerRequestInterface $request,
        PortalSettings $settings,
        Visitor $visitor,
        string $nonce = '',
    ): string {
        $visitor->isSeenBy($request->getAttribute('site')->getIdentifier());
        $claims = $visitor->claims($settings, $request->getAttribute('language'));

        return $this->clients->signer($settings)->token(Claims::LOGIN, $claims, $nonce);
    }
}
