<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

/**
 * What the content element shows in this request.
 */
final readonly class PortalView
{
    public const ATTRIBUTE = 'mieterportal.view';

    /**
     * @param int $status the page's status code
     * @param string $html a page of the portal, for PortalState::Portal only
     * @param list<string> $tooLarge names of files that this server has not taken
     * @param array<string, string> $headers what the page's answer says besides
     */
    public function __construct(
        public PortalState $state,
        public int $status = 200,
        public string $html = '',
        public string $title = '',
        public array $tooLarge = [],
        public array $headers = [],
    ) {}
}
