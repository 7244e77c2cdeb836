<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\PageTitle;

use TYPO3\CMS\Core\PageTitle\AbstractPageTitleProvider;

/**
 * The title of the portal's page becomes the title of the page around it.
 */
final class PortalTitleProvider extends AbstractPageTitleProvider
{
    public function setTitle(string $title): void
    {
        $this->title = $title;
    }
}
