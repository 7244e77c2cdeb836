<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Middleware;

use Mieterportal\Typo3\Content\PortalAddress;
use Mieterportal\Typo3\Content\PortalState;
use Mieterportal\Typo3\Content\PortalView;
use Mieterportal\Typo3\Login\LoginLink;
use Mieterportal\Typo3\Login\Visitor;
use Mieterportal\Typo3\Portal\FormBody;
use Mieterportal\Typo3\Portal\FormTooLarge;
use Mieterportal\Typo3\Portal\PassedThrough;
use Mieterportal\Typo3\Portal\PortalAnswer;
use Mieterportal\Typo3\Portal\PortalClient;
use Mieterportal\Typo3\Portal\PortalClientFactory;
use Mieterportal\Typo3\Portal\PortalRequest;
use Mieterportal\Typo3\Portal\PortalUnreachable;
use Mieterportal\Typo3\Session\KeyMissing;
use Mieterportal\Typo3\Settings\PortalSettings;
use Mieterportal\Typo3\Settings\PortalSettingsFactory;
use Mieterportal\Typo3\Settings\SettingsIncomplete;
use Psr\Http\Message\ResponseInterface;
use Psr\Http\Message\ServerRequestInterface;
use Psr\Http\Server\MiddlewareInterface;
use Psr\Http\Server\RequestHandlerInterface;
use Psr\Log\LoggerInterface;
use TYPO3\CMS\Core\Core\RequestId;
use TYPO3\CMS\Core\Http\RedirectResponse;
use TYPO3\CMS\Core\Http\Response;
use TYPO3\CMS\Core\Site\Entity\SiteInterface;

/**
 * Asks the portal once for a page that shows it. Files and redirects are the answer itself, as streams; a piece of a
 * page waits in the request for the content element, and the page takes over its status code.
 */
final readonly class AskPortal implements MiddlewareInterface
{
    public function __construct(
        private PortalSettingsFactory $settings,
        private PortalClientFactory $clients,
        private LoginLink $loginLink,
        private RequestId $requestId,
        private LoggerInterface $logger,
    ) {}

    public function process(ServerRequestInterface $request, RequestHandlerInterface $handler): ResponseInterface
    {
        $address = $request->getAttribute(PortalAddress::ATTRIBUTE);
        if (!$address instanceof PortalAddress) {
            return $handler->handle($request);
        }
        if (!$address->element->isFor(Visitor::groups($request))) {
            return $this->toLogin($request, $address) ?? $handler->handle($request);
        }
        $answer = $this->answer($request, $address);
        if ($answer instanceof ResponseInterface) {
            return $answer;
        }
        $response = $handler->handle($request->withAttribute(PortalView::ATTRIBUTE, $answer));
        foreach ($answer->headers as $name => $value) {
            $response = $response->withHeader($name, $value);
        }
        if ($response->getStatusCode() === 200) {
            $response = $response->withStatus($answer->status);
        }

        return $response->withHeader('Cache-Control', 'private, no-store');
    }

    /**
     * Where the element is for those only who are signed in, a page of the portal leads anybody else to the login.
     */
    private function toLogin(ServerRequestInterface $request, PortalAddress $address): ?ResponseInterface
    {
        if (Visitor::of($request) !== null || $address->path === '') {
            return null;
        }
        try {
            $login = $this->loginLink->url($request, $this->settings->forSite($this->site($request)), $address->getUrl());
        } catch (SettingsIncomplete) {
            return null;
        }

        return $login === '' ? null : new RedirectResponse($login, 303, ['Cache-Control' => 'private, no-store']);
    }

    private function answer(ServerRequestInterface $request, PortalAddress $address): ResponseInterface|PortalView
    {
        $visitor = Visitor::of($request);
        $isForm = !in_array($request->getMethod(), ['GET', 'HEAD'], true);
        if ($visitor === null && !$isForm) {
            return new PortalView(PortalState::SignIn);
        }
        try {
            $settings = $this->settings->forSite($this->site($request));
            $client = $this->clients->client($settings);
            $body = $isForm ? FormBody::of($request, $_FILES) : null;
            $asked = $this->asked($request, $address, $body);
            if ($visitor === null) {
                return $this->kept($client, $asked);
            }
            $visitor->isSeenBy($this->site($request)->getIdentifier());

            return $this->shown(
                $client->ask($asked, $visitor->claims($settings, $request->getAttribute('language'))),
                $settings,
                $body->tooLarge ?? [],
                $request->getMethod() === 'HEAD',
            );
        } catch (FormTooLarge $large) {
            $this->logger->warning('A form was too large: raise {setting}', ['setting' => $large->getMessage()]);

            return new PortalView(PortalState::TooLarge, 413);
        } catch (KeyMissing|SettingsIncomplete|PortalUnreachable $failed) {
            $this->logger->error('The portal cannot be shown: {cause}', ['cause' => $failed->getMessage()]);

            return new PortalView(PortalState::Unavailable, $isForm ? 503 : 200);
        }
    }

    private function asked(ServerRequestInterface $request, PortalAddress $address, ?FormBody $body): PortalRequest
    {
        $headers = PortalRequest::concerning($request->getHeaderLine(...));
        if ($body !== null) {
            $headers['Content-Type'] = $body->contentType;
        }

        return new PortalRequest(
            $request->getMethod() === 'HEAD' ? 'GET' : $request->getMethod(), // the portal knows no HEAD
            $address->portalPath(),
            $address->portalQuery(),
            $address->baseUrl,
            $headers,
            $body?->stream,
            $this->requestId->long,
        );
    }

    /**
     * Nobody is signed in any more, but somebody was when the form was made: the portal keeps it for them.
     *
     * @throws PortalUnreachable
     */
    private function kept(PortalClient $client, PortalRequest $asked): PortalView
    {
        $kept = $client->askUnsigned($asked)->hasKeptInput();

        return new PortalView($kept ? PortalState::Kept : PortalState::NotKept, 401);
    }

    /**
     * @param list<string> $tooLarge
     * @throws FormTooLarge
     * @throws PortalUnreachable
     */
    private function shown(
        PortalAnswer $answer,
        PortalSettings $settings,
        array $tooLarge,
        bool $isHead,
    ): ResponseInterface|PortalView {
        if ($answer->isFragment()) {
            $headers = $answer->retryAfter() === '' ? [] : ['Retry-After' => $answer->retryAfter()];
            if ($tooLarge !== []) {
                $this->logger->warning('A file was larger than PHP takes: raise upload_max_filesize');
            }

            return new PortalView(
                PortalState::Portal,
                $answer->status(),
                $isHead ? '' : $answer->html($settings->timeout),
                $answer->title(),
                $tooLarge,
                $headers,
            );
        }
        if ($answer->isRedirect()) {
            return new Response(null, $answer->status(), $answer->headers() + ['Cache-Control' => 'private, no-store']);
        }
        if ($answer->isFile()) {
            return new Response(
                $isHead ? null : new PassedThrough($answer->response()->getBody()),
                $answer->status(),
                $answer->headers() + ['Cache-Control' => 'private, no-store'],
            );
        }
        if ($answer->isTooLarge()) {
            throw new FormTooLarge('what the web server before the portal takes', 1764140042);
        }

        throw new PortalUnreachable($answer->whatIsWrong($settings, time()), 1764140041);
    }

    private function site(ServerRequestInterface $request): SiteInterface
    {
        return $request->getAttribute('site');
    }
}
