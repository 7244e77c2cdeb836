<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Aushang;

/**
 * A notice as it stands in the form: texts as they were typed, times as clocks show them where residents live.
 */
final readonly class AushangForm
{
    public const ARTEN = ['HINWEIS', 'STOERUNG', 'ARBEITEN'];
    public const SCHWEREN = ['INFO', 'WICHTIG', 'DRINGEND'];

    /** What the form has a place for, by the portal's names. */
    public const FIELDS = [
        'art', 'schwere', 'titel', 'text', 'gebaeude', 'oeffentlich', 'von', 'bis', 'zeigen_ab', 'schadensort', 'schadenskategorie',
    ];

    private const ALL = 'alle';
    private const SOME = 'gebaeude';

    /**
     * @param array<string, string> $titel by language
     * @param array<string, string> $text by language
     * @param string $wo `alle` or `gebaeude`; empty when nobody has said
     * @param list<string> $gebaeude numbers that are chosen from the list
     * @param string $weitere numbers that are typed, one a line
     */
    public function __construct(
        public string $art = 'HINWEIS',
        public string $schwere = 'INFO',
        public array $titel = [],
        public array $text = [],
        public string $wo = '',
        public array $gebaeude = [],
        public string $weitere = '',
        public bool $oeffentlich = false,
        public string $von = '',
        public string $bis = '',
        public string $zeigen_ab = '',
        public string $schadensort = '',
        public string $schadenskategorie = '',
        public string $timezone = 'Europe/Berlin',
    ) {}

    /**
     * What was typed; whatever a browser may send.
     *
     * @param array<array-key, mixed> $given
     */
    public static function typed(array $given): self
    {
        $text = static fn(string $name): string => is_string($given[$name] ?? null) ? trim($given[$name]) : '';
        $texts = static fn(string $name): array => array_filter((array)($given[$name] ?? []), is_string(...));

        return new self(
            art: $text('art'),
            schwere: $text('schwere'),
            titel: $texts('titel'),
            text: array_map(static fn(string $one): string => str_replace(["\r\n", "\r"], "\n", $one), $texts('text')),
            wo: $text('wo'),
            gebaeude: array_values($texts('gebaeude')),
            weitere: str_replace(["\r\n", "\r"], "\n", $text('weitere')),
            oeffentlich: $text('oeffentlich') === '1',
            von: $text('von'),
            bis: $text('bis'),
            zeigen_ab: $text('zeigen_ab'),
            schadensort: $text('schadensort'),
            schadenskategorie: $text('schadenskategorie'),
            timezone: Choices::zone(['timezone' => $text('timezone')]),
        );
    }

    /**
     * A notice as the portal keeps it. When it is shown is said only where the portal would not choose so itself.
     *
     * @param array<string, mixed> $aushang
     * @param int $now
     */
    public static function of(array $aushang, string $timezone, int $now): self
    {
        $local = static fn(string $name): string => self::local($aushang[$name] ?? null, $timezone, 'Y-m-d\TH:i');
        $shown = strtotime((string)($aushang['zeigen_ab'] ?? '')) ?: $now;
        $isUsual = ($aushang['art'] ?? '') === 'ARBEITEN' ? $shown <= $now : $aushang['zeigen_ab'] === $aushang['von'];

        return self::typed([
            'wo' => ($aushang['gebaeude'] ?? []) === [] ? self::ALL : self::SOME,
            'oeffentlich' => ($aushang['oeffentlich'] ?? false) === true ? '1' : '',
            'von' => $local('von'),
            'bis' => $local('bis'),
            'zeigen_ab' => $isUsual ? '' : $local('zeigen_ab'),
            'timezone' => $timezone,
        ] + $aushang);
    }

    /**
     * The same once more, for other times.
     */
    public function again(): self
    {
        return new self(...array_merge(get_object_vars($this), ['von' => '', 'bis' => '', 'zeigen_ab' => '']));
    }

    /**
     * Numbers that the list does not have are typed ones.
     */
    public function sorted(Choices $choices): self
    {
        $known = array_map(strval(...), array_keys($choices->gebaeude));
        $weitere = array_diff($this->chosen(), $known);

        return new self(...array_merge(get_object_vars($this), [
            'gebaeude' => array_values(array_intersect($this->chosen(), $known)),
            'weitere' => implode("\n", $weitere),
        ]));
    }

    /**
     * No building means all residents to the portal, but not here: an empty number instead, which it refuses.
     *
     * @return array<string, mixed> as docs/admin-api.yaml has it
     */
    public function body(): array
    {
        $said = static fn(array $texts): object => (object)array_filter(array_map(trim(...), $texts), static fn(string $one): bool => $one !== '');

        return [
            'art' => $this->art,
            'schwere' => $this->schwere,
            'titel' => $said($this->titel),
            'text' => $said($this->text),
            'gebaeude' => $this->wo === self::ALL ? [] : ($this->chosen() ?: ['']),
            'schadensort' => $this->schadensort,
            'schadenskategorie' => $this->schadenskategorie,
            'oeffentlich' => $this->oeffentlich,
            'zeigen_ab' => $this->zeigen_ab === '' ? null : $this->zeigen_ab,
            'von' => $this->von === '' ? null : $this->von,
            'bis' => $this->bis === '' ? null : $this->bis,
        ];
    }

    /**
     * A time of the portal's as clocks show it there; empty for none.
     */
    public static function local(mixed $moment, string $timezone, string $format = 'd.m.Y H:i'): string
    {
        $seconds = is_string($moment) ? strtotime($moment) : false;

        return $seconds === false ? '' : (new \DateTimeImmutable('@' . $seconds))->setTimezone(new \DateTimeZone($timezone))->format($format);
    }

    /**
     * @return list<string> all numbers, each once
     */
    private function chosen(): array
    {
        $typed = array_map(trim(...), explode("\n", $this->weitere));

        return array_values(array_unique(array_filter([...$this->gebaeude, ...$typed], static fn(string $one): bool => $one !== '')));
    }
}
