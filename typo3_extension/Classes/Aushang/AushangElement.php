<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Aushang;

use Mieterportal\Typo3\Content\FlexForm;

/**
 * A content element with notices, as the editor has set it up.
 */
final readonly class AushangElement
{
    public const TYPE = 'mieterportal_aushaenge';

    /**
     * @param bool $isPublic whether all see the same: what the company shows to everybody, and nothing of a building
     * @param int $page uid of the page with the portal, where "betrifft mich auch" leads; 0 for the site's first one
     * @param bool $saysNone whether a line says that there is no notice
     */
    public function __construct(
        public bool $isPublic = false,
        public int $page = 0,
        public bool $saysNone = true,
    ) {}

    /**
     * @param array<string, mixed> $row a record of tt_content
     */
    public static function fromRow(array $row): self
    {
        $settings = FlexForm::settings((string)($row['pi_flexform'] ?? ''));

        return new self(
            isPublic: ($settings['audience'] ?? '') === 'public',
            page: (int)preg_replace('/\D/', '', $settings['page'] ?? ''),
            saysNone: ($settings['none'] ?? '') !== 'nothing',
        );
    }
}
