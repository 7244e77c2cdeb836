<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

use Mieterportal\Typo3\Session\Claims;
use Mieterportal\Typo3\Session\SessionSigner;
use Mieterportal\Typo3\Settings\PortalSettings;

/**
 * The portal's admin interface (docs/admin-api.yaml), asked for one site; each request carries a token of its own.
 */
final readonly class AdminClient
{
    /**
     * @param Claims $asking who asks: the person in the back end
     */
    public function __construct(
        private Http $http,
        private PortalSettings $settings,
        private SessionSigner $signer,
        private Claims $asking,
    ) {}

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function version(): array
    {
        return $this->ask('GET', 'version');
    }

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function status(): array
    {
        return $this->ask('GET', 'status');
    }

    /**
     * @param string $after the `next` of the page before; empty for the first
     * @return array<string, mixed> `vorgaenge` and `next`
     * @throws NoAnswer
     */
    public function parked(string $after = '', int $limit = 50): array
    {
        return $this->ask('GET', 'vorgaenge', ['state' => 'parked', 'limit' => (string)$limit, 'after' => $after]);
    }

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function vorgang(string $id): array
    {
        return $this->ask('GET', 'vorgaenge/' . rawurlencode($id));
    }

    /**
     * @return array<string, mixed> how many deliveries go again: `rows`, `vorgaenge`, `held`
     * @throws NoAnswer
     */
    public function retry(string $id): array
    {
        return $this->ask('POST', 'vorgaenge/' . rawurlencode($id) . '/retry');
    }

    /**
     * @return array<string, mixed> how many deliveries go again: `rows`, `vorgaenge`, `held`
     * @throws NoAnswer
     */
    public function retryAll(): array
    {
        return $this->ask('POST', 'retry');
    }

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function catalog(): array
    {
        return $this->ask('GET', 'catalog');
    }

    /**
     * @param array<string, string> $case `typ` and what else is known; empty facts are left out
     * @return array<string, mixed>
     * @throws NoAnswer with the name of the fact that is missing or unknown
     */
    public function routing(array $case): array
    {
        return $this->ask('GET', 'routing', $case);
    }

    /**
     * @param array<string, string> $query
     * @return array<string, mixed>
     */
    private function ask(string $method, string $path, array $query = []): array
    {
        $given = array_filter($query, static fn(string $value): bool => $value !== '');
        $url = $this->settings->reachedAt() . '/api/v1/admin/' . $path . ($given === [] ? '' : '?' . http_build_query($given));
        $answer = null;
        foreach ($this->signer->tokens(Claims::ADMIN, $this->asking) as $token) {
            $headers = ['Authorization' => 'Portal ' . $this->settings->connection . ':' . $token, 'Accept' => 'application/json'];
            $answer = $this->http->send($method, $url, $headers, $this->settings->timeout);
            if ($answer->status !== 401) {
                break;
            }
        }

        return self::read($answer);
    }

    /**
     * @return array<string, mixed>
     */
    private static function read(Answer $answer): array
    {
        $said = $answer->json();
        if ($answer->status === 200 && $said !== null) {
            return $said;
        }
        if ($answer->status >= 300 && $answer->status < 400) {
            throw new NoAnswer(Trouble::Redirect, $answer->header('Location'));
        }
        $code = is_string($said['code'] ?? null) ? $said['code'] : '';
        throw match (true) {
            $answer->status >= 500 => new NoAnswer(Trouble::Unavailable, (string)$answer->status),
            $code === '' => new NoAnswer(Trouble::Foreign, (string)$answer->status),
            $answer->status === 401 => new NoAnswer(Trouble::Refused),
            $answer->status === 404 => new NoAnswer(Trouble::NotFound),
            $answer->status === 405 => new NoAnswer(Trouble::NotAllowed),
            default => new NoAnswer(Trouble::Invalid, implode(', ', array_filter((array)($said['parameters'] ?? []), is_string(...)))),
        };
    }
}
