<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Tests\Functional\Fixtures;

use TYPO3\CMS\Core\Attribute\AsAllowedCallable;

/**
 * Counts how often the cached part of a page is made.
 */
final class Counter
{
    public static int $count = 0;

    #[AsAllowedCallable]
    public function next(): string
    {
        return '<p>made ' . ++self::$count . '</p>';
    }
}
