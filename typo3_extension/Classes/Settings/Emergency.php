<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Settings;

/**
 * What the emergency box says. It is shown even where the portal's own settings are incomplete.
 */
final readonly class Emergency
{
    /**
     * @param string $phone as people read it; empty for no box
     * @param string $text when that number answers, and for what
     */
    public function __construct(public string $phone, public string $text) {}

    /**
     * The number as a telephone dials it.
     */
    public function getDial(): string
    {
        return (string)preg_replace('/[^0-9+]/', '', $this->phone);
    }
}
