<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Admin;

/**
 * The portal was not reached, or what answered is of no use. The message is for the log: it names the kind of trouble
 * and what it hangs on, never a token.
 */
final class NoAnswer extends \RuntimeException
{
    /**
     * @param string $detail a host, an address, a status code or the names of parameters
     * @param list<string> $parameters what the portal does not take, by its names
     */
    public function __construct(
        public readonly Trouble $trouble,
        public readonly string $detail = '',
        public readonly array $parameters = [],
    ) {
        parent::__construct('The portal: ' . $trouble->value . ($detail === '' ? '' : ' (' . $detail . ')'), 1764150001);
    }
}
