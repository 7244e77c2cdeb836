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
     * @param string $before the `next` of the page before; empty for the first
     * @return array<string, mixed> `timezone`, `aushaenge`, the newest first, and `next`
     * @throws NoAnswer
     */
    public function aushaenge(bool $over = false, string $before = '', int $limit = 50): array
    {
        return $this->ask('GET', 'aushaenge', ['state' => $over ? 'over' : 'current', 'limit' => (string)$limit, 'before' => $before]);
    }

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function aushang(string $id): array
    {
        return $this->ask('GET', 'aushaenge/' . rawurlencode($id));
    }

    /**
     * @param string $id empty for a new one
     * @param array<string, mixed> $aushang all of it: what is left out is as in a new one
     * @return array<string, mixed> as it is kept
     * @throws NoAnswer Trouble::Aushang with the names of the fields that the portal does not take
     */
    public function putUp(string $id, array $aushang): array
    {
        return $id === ''
            ? $this->ask('POST', 'aushaenge', body: $aushang)
            : $this->ask('PUT', 'aushaenge/' . rawurlencode($id), body: $aushang);
    }

    /**
     * @return array<string, mixed>
     * @throws NoAnswer
     */
    public function withdraw(string $id): array
    {
        return $this->ask('POST', 'aushaenge/' . rawurlencode($id) . '/end');
    }

    /**
     * @param string $after the `next` of the page before; empty for the first
     * @return array<string, mixed> `gebaeude` and `next`
     * @throws NoAnswer
     */
    public function gebaeude(string $after = '', int $limit = 200): array
    {
        return $this->ask('GET', 'gebaeude', ['after' => $after, 'limit' => (string)$limit]);
    }

    /**
     * @param array<string, string> $query
     * @param ?array<string, mixed> $body sent as JSON
     * @return array<string, mixed>
     */
    private function ask(string $method, string $path, array $query = [], ?array $body = null): array
    {
        $given = array_filter($query, static fn(string $value): bool => $value !== '');
        $url = $this->settings->reachedAt() . '/api/v1/admin/' . $path . ($given === [] ? '' : '?' . http_build_query($given));
        $json = $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
        $type = $body === null ? [] : ['Content-Type' => 'application/json'];
        $answer = null;
        foreach ($this->signer->tokens(Claims::ADMIN, $this->asking) as $token) {
            $headers = ['Authorization' => 'Portal ' . $this->settings->connection . ':' . $token, 'Accept' => 'application/json'];
            $answer = $this->http->send($method, $url, $headers + $type, $this->settings->timeout, $json);
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
        if (in_array($answer->status, [200, 201], true) && $said !== null) {
            return $said;
        }
        if ($answer->status >= 300 && $answer->status < 400) {
            throw new NoAnswer(Trouble::Redirect, $answer->header('Location'));
        }
        $code = is_string($said['code'] ?? null) ? $said['code'] : '';
        $named = array_values(array_filter((array)($said['parameters'] ?? []), is_string(...)));
        throw match (true) {
            $answer->status >= 500 => new NoAnswer(Trouble::Unavailable, (string)$answer->status),
            $code === '' => new NoAnswer(Trouble::Foreign, (string)$answer->status),
            $answer->status === 401 => new NoAnswer(Trouble::Refused),
            $answer->status === 404 => new NoAnswer(Trouble::NotFound),
            $answer->status === 405 => new NoAnswer(Trouble::NotAllowed),
            $code === 'invalid_aushang' => new NoAnswer(Trouble::Aushang, implode(', ', $named), $named),
            default => new NoAnswer(Trouble::Invalid, implode(', ', $named), $named),
        };
    }
}
