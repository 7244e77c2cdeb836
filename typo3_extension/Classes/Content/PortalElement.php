<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

/**
 * A content element that shows the portal, as the editor has set it up.
 */
final readonly class PortalElement
{
    public const PORTAL = 'mieterportal_portal';
    public const WAY = 'mieterportal_way';
    public const LINK = 'mieterportal_link';
    public const EMERGENCY = 'mieterportal_emergency';

    /** The ways in that an editor may choose, and where they begin. */
    public const WAYS = [
        'schaden' => 'melden/schaden',
        'beschwerde' => 'melden/beschwerde',
        'dokument' => 'melden/dokument',
        'kontakt' => 'melden/kontakt',
        'vorgaenge' => 'vorgaenge',
        'konto' => 'konto',
    ];

    /**
     * @param int $uid of the record in the default language, as pages name it
     * @param list<int> $groups who may see it; -1 nobody signed in, -2 anybody signed in, empty: everybody
     * @param string $start path of the portal with which it begins, such as `melden/schaden`
     * @param string $preset what is chosen there already, as a query
     */
    public function __construct(
        public int $uid,
        public string $type,
        public Embedding $embedding,
        public array $groups = [],
        public string $start = '',
        public string $preset = '',
    ) {}

    /**
     * @param array<string, mixed> $row a record of tt_content
     */
    public static function fromRow(array $row): self
    {
        $settings = FlexForm::settings((string)($row['pi_flexform'] ?? ''));
        $type = (string)$row['CType'];
        $way = in_array($type, [self::WAY, self::LINK], true) ? ($settings['way'] ?? '') : '';

        return new self(
            uid: (int)$row['uid'],
            type: $type,
            embedding: Embedding::tryFrom($settings['embedding'] ?? '') ?? Embedding::Fragment,
            groups: array_values(array_filter(array_map(intval(...), explode(',', (string)($row['fe_group'] ?? ''))))),
            start: self::WAYS[$way] ?? '',
            preset: $way === 'schaden' ? self::preset($settings) : '',
        );
    }

    /**
     * Whether a page of the portal is to stand in the page itself.
     */
    public function isFragment(): bool
    {
        return in_array($this->type, [self::PORTAL, self::WAY], true) && $this->embedding === Embedding::Fragment;
    }

    /**
     * @param list<int> $groups the visitor's, as TYPO3 counts them
     */
    public function isFor(array $groups): bool
    {
        return $this->groups === [] || array_intersect($this->groups, $groups) !== [];
    }

    /**
     * Where a window or frame of its own begins: `melden/schaden?schadenskategorie=SANITAER`.
     */
    public function target(): string
    {
        return $this->start . ($this->preset === '' ? '' : '?' . $this->preset);
    }

    /**
     * @param array<string, string> $settings
     */
    private static function preset(array $settings): string
    {
        return http_build_query(array_filter([
            'schadenskategorie' => self::code($settings['category'] ?? ''),
            'gebaeude' => self::code($settings['building'] ?? ''),
        ]));
    }

    private static function code(string $typed): string
    {
        $typed = trim($typed);

        return preg_match('/^[\w.-]{1,60}$/u', $typed) === 1 ? $typed : '';
    }
}
