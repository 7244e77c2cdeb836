<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

use Psr\Http\Message\ServerRequestInterface;
use Symfony\Component\DependencyInjection\Attribute\Autoconfigure;
use TYPO3\CMS\Core\Attribute\AsAllowedCallable;

/**
 * The portal's page as the last item of the site's own breadcrumb: `lib.mieterportal.breadcrumb` behind the list of
 * the pages above.
 */
#[Autoconfigure(public: true)]
final class Breadcrumb
{
    /**
     * @param array<string, mixed> $configuration TypoScript: `class` of the item
     */
    #[AsAllowedCallable]
    public function item(string $content, array $configuration, ServerRequestInterface $request): string
    {
        $view = $request->getAttribute(PortalView::ATTRIBUTE);
        $address = $request->getAttribute(PortalAddress::ATTRIBUTE);
        if (!$view instanceof PortalView || !$address instanceof PortalAddress || $address->path === '' || $view->title === '') {
            return $content;
        }
        $class = htmlspecialchars((string)($configuration['class'] ?? ''));

        return $content . '<li' . ($class === '' ? '' : ' class="' . $class . '"') . ' aria-current="page">'
            . htmlspecialchars($view->title) . '</li>';
    }
}
