<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

/**
 * How a content element shows the portal.
 */
enum Embedding: string
{
    case Fragment = 'fragment';
    case Iframe = 'iframe';
    case NewTab = 'newtab';
}
