<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Portal;

use GuzzleHttp\Psr7\Utils;
use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Settings\PortalSettings;

/**
 * Asks the portal, server to server, for somebody who is signed in here, or for nobody.
 */
final readonly class PortalClient
{
    private const LOGOUT_TIMEOUT = 3.0;

    public function __construct(
        private Transport $transport,
        private PortalSettings $settings,
        private SessionSigner $signer,
    ) {}

    /**
     * Hand a request on. A token that is refused is signed anew with the previous key, if there is one.
     *
     * @throws PortalUnreachable
     */
    public function ask(PortalRequest $asked, Claims $claims): PortalAnswer
    {
        foreach ($this->signer->tokens(Claims::FRAGMENT, $claims) as $token) {
            $asked->body?->rewind();
            $answer = $this->send($asked, ['Authorization' => 'Portal ' . $this->settings->connection . ':' . $token]);
            if (!$answer->isRefusal()) {
                break;
            }
        }

        return $answer;
    }

    /**
     * Hand a form on whose sender is no longer signed in: the portal keeps it for whom it was made.
     *
     * @throws PortalUnreachable
     */
    public function askUnsigned(PortalRequest $asked): PortalAnswer
    {
        return $this->send($asked, []);
    }

    /**
     * End all that hangs on a session of this site.
     *
     * @throws PortalUnreachable when the portal does not say that it is done
     */
    public function signOut(Claims $claims): void
    {
        foreach ($this->signer->tokens(Claims::LOGOUT, $claims) as $token) {
            $answer = new PortalAnswer($this->transport->send(
                'POST',
                $this->settings->reachedAt() . $this->settings->signOnPath() . '/logout',
                ['Content-Type' => 'application/x-www-form-urlencoded'],
                Utils::streamFor(http_build_query(['token' => $token])),
                min(self::LOGOUT_TIMEOUT, $this->settings->timeout),
            ));
            if ($answer->status() === 204) {
                return;
            }
        }
        throw new PortalUnreachable('Signing out was answered with ' . $answer->status(), 1764140025);
    }

    /**
     * @param array<string, string> $headers
     */
    private function send(PortalRequest $asked, #[\SensitiveParameter] array $headers): PortalAnswer
    {
        $url = rtrim($this->settings->reachedAt() . '/' . $asked->path, '/')
            . ($asked->query === '' ? '' : '?' . $asked->query);
        $headers += $asked->headers + ['Portal-Base-Url' => $asked->baseUrl];
        $headers += $asked->requestId === '' ? [] : ['X-Request-ID' => $asked->requestId];

        return new PortalAnswer(
            $this->transport->send($asked->method, $url, $headers, $asked->body, $this->settings->timeout),
        );
    }
}
