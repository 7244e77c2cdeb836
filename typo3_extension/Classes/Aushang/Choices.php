<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Aushang;

use Mieterportal\Typo3\Admin\AdminClient;
use Mieterportal\Typo3\Admin\NoAnswer;

/**
 * What an editor chooses from when writing a notice, as the portal knows it.
 */
final readonly class Choices
{
    /** Pages of buildings that are read at most; further buildings are named by their numbers. */
    private const PAGES = 25;

    /**
     * @param list<string> $languages of the Mandant, its own one first
     * @param string $timezone in which residents read times
     * @param array<array-key, string> $gebaeude addresses by number
     * @param array<array-key, string> $schadensorte words by code
     * @param array<array-key, string> $schadenskategorien words by code
     */
    public function __construct(
        public array $languages = ['de'],
        public string $timezone = 'Europe/Berlin',
        public array $gebaeude = [],
        public array $schadensorte = [],
        public array $schadenskategorien = [],
    ) {}

    /**
     * @param string $language of the editor
     * @throws NoAnswer
     */
    public static function read(AdminClient $client, string $language): self
    {
        $languages = array_values(array_filter((array)($client->version()['languages'] ?? []), is_string(...)));
        $tables = self::tables($client);

        return new self(
            languages: $languages === [] ? ['de'] : $languages,
            timezone: self::zone($client->aushaenge(limit: 1)),
            gebaeude: self::gebaeude($client),
            schadensorte: self::words((array)($tables['schadensorte'] ?? []), $language),
            schadenskategorien: self::words((array)($tables['schadenskategorien'] ?? []), $language),
        );
    }

    /**
     * What a form had to choose from can be told by the form itself, when the portal has gone away meanwhile.
     */
    public static function of(AushangForm $form): self
    {
        $codes = static fn(string $code): array => $code === '' ? [] : [$code => $code];

        return new self(
            languages: array_map(strval(...), array_keys($form->titel)) ?: ['de'],
            timezone: $form->timezone,
            gebaeude: array_combine($form->gebaeude, $form->gebaeude),
            schadensorte: $codes($form->schadensort),
            schadenskategorien: $codes($form->schadenskategorie),
        );
    }

    /**
     * @param array<string, mixed> $listed what the portal says of its notices
     */
    public static function zone(array $listed): string
    {
        $zone = $listed['timezone'] ?? '';

        return is_string($zone) && in_array($zone, timezone_identifiers_list(), true) ? $zone : 'Europe/Berlin';
    }

    /**
     * @return array<array-key, string> words by code
     * @throws NoAnswer
     */
    public static function schadenskategorien(AdminClient $client, string $language): array
    {
        return self::words((array)(self::tables($client)['schadenskategorien'] ?? []), $language);
    }

    /**
     * @return array<array-key, string> addresses by number
     * @throws NoAnswer
     */
    public static function gebaeude(AdminClient $client): array
    {
        $found = [];
        $after = '';
        for ($page = 0; $page < self::PAGES && is_string($after); $page++) {
            $answer = $client->gebaeude($after);
            foreach ((array)($answer['gebaeude'] ?? []) as $one) {
                $found[(string)($one['gebaeude'] ?? '')] = (string)($one['adresse'] ?? '');
            }
            $after = $answer['next'] ?? null;
        }
        asort($found, SORT_NATURAL | SORT_FLAG_CASE);

        return $found;
    }

    /**
     * @return array<array-key, mixed>
     */
    private static function tables(AdminClient $client): array
    {
        return (array)($client->catalog()['tables'] ?? []);
    }

    /**
     * @param array<array-key, mixed> $entries
     * @return array<array-key, string>
     */
    private static function words(array $entries, string $language): array
    {
        $words = [];
        foreach ($entries as $entry) {
            if (is_array($entry) && is_string($entry['code'] ?? null)) {
                $words[$entry['code']] = (string)($entry[$language] ?? $entry['code']);
            }
        }

        return $words;
    }
}
