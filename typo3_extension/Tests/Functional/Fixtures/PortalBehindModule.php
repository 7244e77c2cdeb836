<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional\Fixtures;

use GuzzleHttp\Exception\ConnectException;
use GuzzleHttp\Promise\Create;
use GuzzleHttp\Promise\PromiseInterface;
use GuzzleHttp\Psr7\Response;
use Psr\Http\Message\RequestInterface;

/**
 * The portal as the back end knows it: its door, its admin interface, and the site's own page. In place of TYPO3's way
 * into the network.
 */
final class PortalBehindModule
{
    public const AUSHANG = [
        'id' => '22222222-2222-4222-8222-222222222222',
        'art' => 'STOERUNG',
        'schwere' => 'DRINGEND',
        'titel' => ['de' => 'Heizung <b>'],
        'text' => ['de' => 'Techniker kommt'],
        'gebaeude' => ['G1', 'G9'],
        'schadensort' => '',
        'schadenskategorie' => '',
        'oeffentlich' => false,
        'zeigen_ab' => '2026-07-01T06:10:00Z',
        'von' => '2026-07-01T06:10:00Z',
        'bis' => null,
        'over' => false,
        'betroffene' => 12,
    ];

    /** @var list<string> methods and paths */
    public array $asked = [];

    /** @var array<string, array{int, array<string, mixed>}> status and JSON by the end of the path, if need be with the method before it */
    public array $admin = [
        '/version' => [200, ['version' => '0.1.0', 'connection' => ['kind' => 'typo3'], 'immotion' => true, 'languages' => ['de', 'en']]],
        '/status' => [200, [
            'waiting' => 4,
            'parked' => 1,
            'oldest_waiting' => '2026-11-25T08:00:00Z',
            'sent_hour' => 7,
            'breaker' => ['state' => 'closed'],
            'worker_seen' => '2026-11-26T08:00:00Z',
            'alarms' => [],
        ]],
        '/vorgaenge' => [200, ['vorgaenge' => [[
            'id' => '11111111-1111-4111-8111-111111111111',
            'meldenummer' => '2026-000123',
            'typ' => 'SCHADEN',
            'next' => ['last_error' => 'VALIDIERUNG <b>', 'attempts' => 1, 'created_at' => '2026-11-25T08:00:00Z'],
        ]], 'next' => null]],
        '/retry' => [200, ['rows' => 2, 'vorgaenge' => 1, 'held' => 0]],
        '/catalog' => [200, [
            'version' => '7',
            'tables' => [
                'vorgangstypen' => [['code' => 'KONTAKT', 'de' => 'Anliegen', 'en' => 'Question']],
                'schadenskategorien' => [['code' => 'SANITAER', 'de' => 'Sanitär', 'en' => 'Sanitary <b>']],
            ],
            'rules' => [['name' => 'Nord', 'conditions' => ['gebaeude' => ['G1']], 'suggests' => ['sachbearbeiter' => 'nord']]],
        ]],
        '/aushaenge' => [200, ['timezone' => 'Europe/Berlin', 'aushaenge' => [self::AUSHANG], 'next' => null]],
        '/gebaeude' => [200, ['gebaeude' => [['gebaeude' => 'G1', 'adresse' => 'Anger 1'], ['gebaeude' => '7', 'adresse' => '']], 'next' => null]],
        '/routing' => [200, [
            'regel' => 'Nord',
            'vorgangsart' => 'VA1',
            'team' => 'T1',
            'sachbearbeiter' => 'nord',
            'prioritaet' => 'P3',
            'frist' => '2026-12-01',
            'begruendung' => 'Regel Nord trifft zu.',
            'rules' => [['name' => 'Nord', 'matches' => true, 'mismatch' => null]],
        ]],
    ];

    public bool $there = true;

    /** By how many seconds its clock is ahead. */
    public int $ahead = 0;

    /** What it takes for its public address. */
    public string $address = 'https://portal.example.de/musterbau';

    /** @var list<array<string, mixed>> what was sent as JSON */
    public array $sent = [];

    public function __invoke(callable $handler): callable
    {
        return function (RequestInterface $request, array $options): PromiseInterface {
            $path = $request->getUri()->getPath();
            $this->asked[] = $request->getMethod() . ' ' . $path;
            $sent = json_decode((string)$request->getBody(), true);
            if (is_array($sent)) {
                $this->sent[] = $sent;
            }
            if (!$this->there) {
                return Create::rejectionFor(new ConnectException('refused: ' . $request->getHeaderLine('Authorization'), $request));
            }

            return Create::promiseFor($this->answer($request->getMethod(), $path));
        };
    }

    private function answer(string $method, string $path): Response
    {
        if (str_contains($path, '/api/v1/admin')) {
            $end = '/' . basename($path);
            [$status, $said] = $this->admin[$method . ' ' . $end] ?? $this->admin[$end] ?? [404, ['code' => 'not_found']];
            $type = $status < 300 ? 'application/json' : 'application/problem+json';

            return new Response($status, ['Content-Type' => $type], (string)json_encode($said));
        }
        if (str_contains($path, '/sso/')) {
            return new Response(200, [
                'Date' => gmdate('D, d M Y H:i:s', time() + $this->ahead) . ' GMT',
                'X-Request-ID' => 'r1',
                'Portal-Address' => $this->address,
                'Content-Security-Policy' => 'frame-ancestors https://www.example.de',
            ], '<html>');
        }

        return new Response(200, ['Cache-Control' => 'private, no-store'], '<html>');
    }
}
