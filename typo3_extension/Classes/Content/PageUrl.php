<?php

declare(strict_types=1);

namespace Mieterportal\Typo3\Content;

use Psr\Http\Message\ServerRequestInterface;
use TYPO3\CMS\Core\Site\Entity\Site;

/**
 * The address of a page, with its host, without what the site's configuration may add at its end.
 */
final class PageUrl
{
    public static function of(ServerRequestInterface $request, int $page): string
    {
        $site = $request->getAttribute('site');
        $uri = $site instanceof Site
            ? $site->getRouter()->generateUri($page, ['_language' => $request->getAttribute('language')])
            : $request->getUri();
        if ($uri->getHost() === '') {
            $uri = $uri->withScheme($request->getUri()->getScheme())->withHost($request->getUri()->getHost())
                ->withPort($request->getUri()->getPort());
        }

        return rtrim((string)$uri->withQuery('')->withFragment(''), '/');
    }
}
